import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { cutByWeight } from '../../algorithms/select.ts'
import { descending } from '../../algorithms/sort.ts'
import type { Row } from './row.ts'
import { distanceOf } from './statistics.ts'
import type { Tokens } from './tokens.ts'

/** The tokens in play ranked by (logit descending, id ascending). */

/** The number of tokens that are compared with a ranking in one part. */
const FEW = 2 ** 13

/** The cut of the ranking after `count` tokens. It lies among the first `size` entries of the arrays. */
export function cutAtRank(row: Row, count: number) {
  const { tokens } = row
  const size = tokens.collect(tokens.thresholdFor(count))
  const { threshold, ties } = cutByWeight(row.views.logits, undefined, size, count)
  return { size, threshold, ties }
}

/**
 * Whether a logit is at most this many units below the largest. The largest itself is, unless the distance is
 * negative.
 */
export function isWithin(logit: number, max: number, distance: number, unit: number): boolean {
  return logit === max ? distance >= 0 : (max - logit) / unit <= distance
}

/**
 * Collects all tokens within this distance, and maybe some more, into the first entries of the arrays. Returns their
 * number.
 */
export function collectWithin({ tokens }: Row, distance: number, unit: number): number {
  const max = tokens.max()
  const depth = distance * unit
  return tokens.collect(max - depth - 1e-12 * (Math.abs(max) + Math.abs(depth)))
}

/** The first `count` tokens of the ranking, in its order. */
export function* ranked(row: Row, count: number): Pausing<Tokens> {
  const wanted = Math.min(count, row.count())
  const { size, threshold } = yield* reaching(row, wanted)
  needAbove(row, count, threshold)
  const { ids, logits } = tokensAbove(row, threshold, size)
  yield
  const order = (yield* descending(logits)).subarray(0, wanted)
  yield
  const first = { ids: new Uint32Array(order.length), logits: new Float64Array(order.length) }
  for (let i = 0; i < order.length; i++) {
    if (i % PART === PART - 1) yield
    first.ids[i] = ids[order[i]!]!
    first.logits[i] = logits[order[i]!]!
  }
  return first
}

/** A threshold that at least `count` tokens in play reach. They are among the first `size` entries of the arrays. */
function* reaching(row: Row, count: number): Pausing<{ size: number; threshold: number }> {
  if (count === 0) return { size: 0, threshold: Number.POSITIVE_INFINITY }
  if (count < row.count()) return cutAtRank(row, count)
  const size = row.tokens.collect(Number.NEGATIVE_INFINITY)
  yield
  const { logits } = row.views
  let threshold = Number.POSITIVE_INFINITY
  for (let i = 0; i < size; i++) if (logits[i]! < threshold) threshold = logits[i]!
  return { size, threshold }
}

/** Records a decision that depends on the `count` most likely tokens. `logit` is that of the last of them. */
function needAbove(row: Row, count: number, logit: number): void {
  if (count > row.count() || logit < row.floor()) row.coverage.needEach()
}

/** Copies of the tokens among the first `size` entries of the arrays whose logit is at least `threshold`. */
function tokensAbove({ views }: Row, threshold: number, size: number): Tokens {
  const ids = new Uint32Array(size)
  const logits = new Float64Array(size)
  let count = 0
  for (let i = 0; i < size; i++) {
    const logit = views.logits[i]!
    if (logit < threshold) continue
    ids[count] = views.ids[i]!
    logits[count++] = logit
  }
  return { ids: ids.subarray(0, count), logits: logits.subarray(0, count) }
}

/** The `count` largest logits, descending. */
export function* largestLogits(row: Row, count: number): Pausing<Float64Array> {
  const wanted = Math.min(count, row.count())
  if (wanted === 0) return new Float64Array(0)
  const { size, threshold } = cutAtRank(row, wanted)
  if (row.isLarge) yield
  needAbove(row, count, threshold)
  return tokensAbove(row, threshold, size).logits.sort().reverse().subarray(0, wanted)
}

/** The tokens with at least this probability, ids ascending. */
export function* tokensFrom(row: Row, probability: number): Pausing<Tokens> {
  const { coverage, temperature, views } = row
  const distance = distanceOf(row, probability)
  const max = row.max()
  if (isWithin(row.floor(), max, distance, temperature)) coverage.needEach()
  if (row.isLarge) yield
  const size = collectWithin(row, distance, temperature)
  if (row.isLarge) yield
  const ids = new Uint32Array(size)
  const logits = new Float64Array(size)
  let count = 0
  for (let i = 0; i < size; i++) {
    const logit = views.logits[i]!
    if (!isWithin(logit, max, distance, temperature)) continue
    ids[count] = views.ids[i]!
    logits[count++] = logit
  }
  return { ids: ids.subarray(0, count), logits: logits.subarray(0, count) }
}

/** The ranks of some tokens in play, which must come in the order of the ranking. Rank 1 is the most likely. */
export function* ranksOf(row: Row, tokens: Tokens): Pausing<Uint32Array> {
  const { length } = tokens.ids
  const ranks = new Uint32Array(length + 1)
  if (length === 0) return ranks
  const least = tokens.logits[length - 1]!
  const size = row.tokens.collect(least)
  yield
  const { ids, logits } = row.views
  for (let start = 0; start < size; start += FEW) {
    const end = Math.min(size, start + FEW)
    for (let i = start; i < end; i++) {
      if (logits[i]! >= least) ranks[firstBehind(tokens, ids[i]!, logits[i]!)]!++
    }
    yield
  }
  let rank = 1
  for (let i = 0; i < length; i++) {
    rank += ranks[i]!
    ranks[i] = rank
  }
  return ranks
}

/**
 * The index of the first of `tokens`, in the order of the ranking, that ranks below this one; their number if none
 * does.
 */
function firstBehind({ ids, logits }: Tokens, id: number, logit: number): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = logits[middle]!
    if (logit > other || (logit === other && id < ids[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
