import { exp } from './kernel/index.ts'
import type { Row } from './row.ts'

/** What is reported of a row's distribution. Logprobs are natural logarithms. */

/** The probabilities of the tokens in play, by id; the row's tokens are survivors from here on. */
export function probabilities(row: Row): Float64Array {
  row.gather()
  const total = row.normalise()
  return row.masses.slice(0, row.size).map((mass) => mass / total)
}

/** The same by vocabulary entry, 0 for a token that is not in play. */
export function denseProbabilities<
  Values extends Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>,
>(row: Row, dense: Values): Values {
  const values = probabilities(row)
  for (let i = 0; i < row.size; i++) dense[row.ids[i]!] = values[i]!
  return dense
}

/** Steps of reporting the `count` most likely of so many tokens. */
export function topCost(count: number, size: number): number {
  return count === 0 ? 0 : 8 * size + 150 * Math.min(count, size)
}

/** Steps of scoring so many of them. */
export function scoreCost(count: number, size: number): number {
  return count === 0 ? 0 : 8 * size + 150 * count
}

export interface TopTokens {
  token_ids: number[]
  probabilities: number[]
  logprobs: number[]
}

/** The first `count` tokens of the ranking. */
export function topTokens(row: Row, count: number): TopTokens {
  const tokens = row.ranked(count)
  const logprobs = tokens.map(({ logit }) => row.logprob(logit))
  return {
    token_ids: tokens.map(({ id }) => id),
    probabilities: logprobs.map((logprob) => exp(logprob)),
    logprobs,
  }
}

export interface ScoredTokens {
  token_ids: number[]
  logprobs: (number | null)[]
  ranks: (number | null)[]
}

/** From here on one ranking of all is less work than a look at all for each. */
const MANY = 64

/** The rank of any token in play, 1 for the most likely. */
function ranker(row: Row, count: number): (id: number) => number {
  if (count < MANY) return (id) => row.rankOf(id)
  const ranks = new Map(row.ranked(row.size).map(({ id }, i) => [id, i + 1]))
  return (id) => ranks.get(id)!
}

/** Logprob and rank (1 is the most likely) of chosen tokens; null where one is not in play. */
export function scoreTokens(row: Row, tokenIds: Uint32Array): ScoredTokens {
  const token_ids = Array.from(tokenIds)
  const rankOf = ranker(row, token_ids.length)
  const isInPlay = (id: number) => row.logitOf(id) > Number.NEGATIVE_INFINITY
  return {
    token_ids,
    logprobs: token_ids.map((id) => (isInPlay(id) ? row.logprob(row.logitOf(id)) : null)),
    ranks: token_ids.map((id) => (isInPlay(id) ? rankOf(id) : null)),
  }
}
