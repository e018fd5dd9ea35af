import { PART, type Pausing } from '../algorithms/pausing.ts'
import { descending, placesById } from '../algorithms/sort.ts'
import { exp } from '../kernel/index.ts'
import { ranked, ranksOf } from './row/ranking.ts'
import type { Row } from './row/row.ts'
import { logprob, totalMass } from './row/statistics.ts'

/** Reports of a row's distribution. Logprobs are natural logarithms. */

/** The probabilities of the tokens in play, ids ascending. Turns the row into survivors. */
export function probabilities(row: Row): Float64Array {
  row.gather()
  const total = totalMass(row)
  return row.views.masses.slice(0, row.count()).map((mass) => mass / total)
}

/** Writes the probability of each vocabulary entry to `dense`: 0 for a token that is not in play. */
export function denseProbabilities<
  Values extends Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
>(row: Row, dense: Values): Values {
  const values = probabilities(row)
  const { ids } = row.views
  for (let i = 0; i < values.length; i++) dense[ids[i]!] = values[i]!
  return dense
}

/** Steps to report the `count` most likely of `size` tokens. */
export function topCost(count: number, size: number): number {
  return count === 0 ? 0 : 8 * size + 200 * Math.min(count, size)
}

/** Steps to score `count` of `size` tokens. */
export function scoreCost(count: number, size: number): number {
  return count === 0 ? 0 : 30 * size + 600 * count
}

/** The number of tokens that are reported between two pauses. */
const FEW = 2 ** 13

export interface TopTokens {
  token_ids: number[]
  probabilities: number[]
  logprobs: number[]
}

/** The first `count` tokens of the ranking. */
export function* topTokens(row: Row, count: number): Pausing<TopTokens> {
  const { ids, logits } = yield* ranked(row, count)
  const { length } = ids
  const token_ids = new Array<number>(length)
  const probabilities = new Array<number>(length)
  const logprobs = new Array<number>(length)
  for (let i = 0; i < length; i++) {
    if (i % FEW === FEW - 1) yield
    token_ids[i] = ids[i]!
    logprobs[i] = logprob(row, logits[i]!)
    probabilities[i] = exp(logprobs[i]!)
  }
  return { token_ids, probabilities, logprobs }
}

export interface ScoredTokens {
  token_ids: number[]
  logprobs: (number | null)[]
  ranks: (number | null)[]
}

/** Logprob and rank (1 is the most likely) of chosen tokens; null for a token that is not in play. */
export function* scoreTokens(row: Row, tokenIds: Uint32Array): Pausing<ScoredTokens> {
  const { length } = tokenIds
  const token_ids = new Array<number>(length)
  const logprobs = new Array<number | null>(length)
  const ranks = new Array<number | null>(length)
  /** The chosen tokens in play: the place of each in `tokenIds`, its id and its logit. */
  const places = new Uint32Array(length)
  const ids = new Uint32Array(length)
  const logits = new Float64Array(length)
  let count = 0
  for (let i = 0; i < length; i++) {
    if (i % FEW === FEW - 1) yield
    const id = tokenIds[i]!
    const logit = row.logitOf(id)
    token_ids[i] = id
    logprobs[i] = null
    ranks[i] = null
    if (logit === Number.NEGATIVE_INFINITY) continue
    logprobs[i] = logprob(row, logit)
    places[count] = i
    ids[count] = id
    logits[count++] = logit
  }
  yield
  const order = yield* inRanking(ids.subarray(0, count), logits.subarray(0, count))
  yield
  const inOrder = { ids: new Uint32Array(count), logits: new Float64Array(count) }
  for (let i = 0; i < count; i++) {
    if (i % PART === PART - 1) yield
    inOrder.ids[i] = ids[order[i]!]!
    inOrder.logits[i] = logits[order[i]!]!
  }
  const found = yield* ranksOf(row, inOrder)
  for (let i = 0; i < count; i++) {
    if (i % PART === PART - 1) yield
    ranks[places[order[i]!]!] = found[i]!
  }
  return { token_ids, logprobs, ranks }
}

/** The places of tokens in the order of the ranking. */
function* inRanking(ids: Uint32Array, logits: Float64Array): Pausing<Uint32Array> {
  const places = yield* placesById(ids)
  if (ids.length > PART) yield
  const keys = new Float64Array(ids.length)
  for (let i = 0; i < keys.length; i++) {
    if (i % PART === PART - 1) yield
    keys[i] = logits[places[i]!]!
  }
  const order = yield* descending(keys)
  for (let i = 0; i < order.length; i++) {
    if (i % PART === PART - 1) yield
    order[i] = places[order[i]!]!
  }
  return order
}
