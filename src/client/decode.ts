import { randomBytes } from 'node:crypto'
import type { Logits } from './logits.ts'
import type { CallOptions } from './transport.ts'
import { historyFields, type SampleParams, type SampleResult, type Warning } from './types.ts'

/** Computes the logits of the next token, after the prompt and the tokens drawn so far. */
export type Forward = (output: readonly number[]) => Logits | Promise<Logits>

export type DecodeParams = Omit<
  SampleParams,
  'n' | 'replacement' | 'step' | 'state' | 'output_token_ids'
>

export interface RowOptions extends CallOptions {
  /** After how many tokens to end, if no token of `stop_token_ids` comes before. No limit by default. */
  maxTokens?: number
}

/** A token of a generation, and what else is known of its draw. */
export interface DecodedToken extends SampleResult {
  token_id: number
  warnings: Warning[]
}

/** Draws from one row. */
type Sample = (
  logits: Logits,
  params: SampleParams,
  call: CallOptions,
) => Promise<Omit<DecodedToken, 'token_id'>>

/** Whether any sampler is asked for that looks at the tokens before: only then are they sent. */
const looksBack = (params: DecodeParams) => historyFields.some((name) => name in params)

/**
 * Token after token, until one of `stop_token_ids` was drawn. The address of the draws (seed, stream, step),
 * the history and the samplers' state are kept from step to step. Without a seed one is drawn here, once,
 * so that every step can be sent again.
 */
export async function* decode(
  sample: Sample,
  forward: Forward,
  params: DecodeParams,
  { maxTokens = Number.POSITIVE_INFINITY, ...call }: RowOptions,
): AsyncGenerator<DecodedToken, void, void> {
  const { seed = randomBytes(8).readBigUInt64LE(), prompt_token_ids, ...others } = params
  const stops = new Set(params.stop_token_ids)
  const isHistorySent = looksBack(params)
  const output: number[] = []
  let state: SampleParams['state']
  while (output.length < maxTokens) {
    const logits = await forward(output)
    const history = isHistorySent && {
      ...(prompt_token_ids && { prompt_token_ids }),
      ...(output.length > 0 && { output_token_ids: output }),
    }
    const asked = { ...others, ...history, seed, step: output.length, ...(state && { state }) }
    const result = await sample(logits, asked, call)
    const [token_id] = result.token_ids as [number]
    state = result.state
    output.push(token_id)
    yield { ...result, token_id }
    if (stops.has(token_id)) return
  }
}
