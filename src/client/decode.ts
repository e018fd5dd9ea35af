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
  /** Largest number of tokens. A token of `stop_token_ids` ends the text earlier. No limit by default. */
  maxTokens?: number
}

/** A generated token, with the result of its draw. */
export interface DecodedToken extends SampleResult {
  token_id: number
  warnings: Warning[]
}

/** Draws one token from one row. */
type Sample = (
  logits: Logits,
  params: SampleParams,
  call: CallOptions,
) => Promise<Omit<DecodedToken, 'token_id'>>

/** Whether a sampler reads the tokens before this step. Only then are they sent. */
const looksBack = (params: DecodeParams) => historyFields.some((name) => name in params)

/**
 * Generates tokens until one of `stop_token_ids` is drawn. From step to step it keeps the address of the draws (seed,
 * stream, step), the history, and the state of the samplers. If `seed` is omitted, it draws a seed once, so that every
 * step can be retried.
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
