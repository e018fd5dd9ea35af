import { problemAt } from '../errors.ts'
import {
  entropy,
  logprobAt,
  type ScoredTokens,
  scoreTokens,
  type TopTokens,
  topTokens,
} from './distribution.ts'
import { type Draw, draw } from './draw.ts'
import type { RowParams } from './params.ts'
import { type Plan, plan } from './plan.ts'
import { Row } from './row.ts'
import type { Warning } from './sampler.ts'

/** Raised when the same request may get other bytes than before. */
export const DETERMINISM_VERSION = 1

/** One row of logits and what is asked of it. Rows that share parameters share the object. */
export interface RowRequest {
  logits: Float32Array
  /** Where the row is in the request, for errors. */
  path: readonly PropertyKey[]
  params: RowParams
  draw?: Draw
}

export interface RowResult {
  /** The final distribution, normalised; only until the next result is asked for. */
  row: Row
  /** In nats, of the final distribution. */
  entropy: number
  drawn?: Draw & { token_ids: number[]; logprobs: number[] }
  top?: TopTokens
  scored?: ScoredTokens
  warnings: Warning[]
}

/** Reused from row to row, so that nothing as large as a vocabulary is allocated for each. */
const processed = new Row()
const raw = new Row()

/**
 * From logits to tokens, for each row in this order:
 *
 * 1. mask         tokens that may not be chosen, and biases
 * 2. penalty      what the history forbids or discourages
 * 3. temperature  the shape of the distribution
 * 4. truncation   which tokens stay
 * 5. draw         tokens from what is left
 *
 * A request may give its own order, and a profile has that of its engine. Rows are worked on as
 * results are asked for.
 */
export function* sample(requests: Iterable<RowRequest>): Generator<RowResult> {
  const plans = new Map<RowParams, Plan>()
  let index = 0
  for (const request of requests) {
    let planned = plans.get(request.params)
    if (!planned) {
      planned = plan(request.params)
      plans.set(request.params, planned)
    }
    yield sampleRow(request, planned, index++)
  }
}

function sampleRow(request: RowRequest, { steps, warnings }: Plan, index: number): RowResult {
  const { logits, params } = request
  const noTokenLeft = (why: string) =>
    problemAt('NO_TOKEN_LEFT', request.path, `Cannot sample row ${index}: ${why}`)

  processed.load(logits)
  processed.minTokensToKeep = params.min_tokens_to_keep
  if (processed.size === 0) throw noTokenLeft('all its logits are -Infinity')
  for (const { name, apply } of steps) {
    apply(processed)
    if (processed.size === 0) throw noTokenLeft(`${name} leaves no token`)
  }
  processed.normalise()

  const reported = params.logprobs_mode === 'raw' ? loadRaw(logits) : processed
  const result: RowResult = { row: processed, entropy: entropy(processed), warnings }
  if (params.top_logprobs > 0) result.top = topTokens(reported, params.top_logprobs)
  if (params.logprob_token_ids.length > 0) {
    result.scored = scoreTokens(reported, params.logprob_token_ids)
  }
  if (request.draw) {
    const places = draw(processed, request.draw, index)
    const token_ids = Array.from(places, (place) => processed.ids[place]!)
    const max = reported.max()
    const logprobs = token_ids.map((id) => logprobAt(reported, reported.indexOf(id), max))
    result.drawn = { ...request.draw, token_ids, logprobs }
  }
  return result
}

function loadRaw(logits: Float32Array): Row {
  raw.load(logits)
  raw.normalise()
  return raw
}
