import { finish, LARGE, type Pausing } from '../../algorithms/pausing.ts'
import { type Cut, cutByWeight } from '../../algorithms/select.ts'
import { collectWithin, cutAtRank, isWithin } from './ranking.ts'
import type { Row } from './row.ts'
import { deviation, distanceOf } from './statistics.ts'

/**
 * Cuts of the ranking by a distance, a probability or a number of tokens. Each leaves at least `atLeast` tokens. A
 * cut is done at once, unless it looks at more than `LARGE` tokens.
 */

/** Upper bound of the relative error of a dense row's standard deviation, which is computed in float32. */
const DEVIATION_ERROR = 1e-6

/**
 * Widens a distance a little, so that rounding drops no token at the bound. For example, the lower of two tokens
 * is exactly two standard deviations below the other.
 */
const ROUNDED_UP = 1 + 1e-12

/** The part of a cut that tells which tokens are kept. */
type Kept = Pick<Cut, 'threshold' | 'ties'>

/** Keeps only the most likely token; of tied tokens, the lowest id. */
export function keepGreedy(row: Row): void {
  const logit = row.max()
  const isAny = logit > Number.NEGATIVE_INFINITY
  const id = isAny ? row.tokens.mostLikely() : 0
  if (isAny) row.threshold = logit + row.shift
  row.coverage.cutAt(logit, id)
  row.become(isAny ? 1 : 0)
  row.views.ids[0] = id
  row.views.logits[0] = logit
}

/**
 * Keeps the tokens at most `distance` units below the most likely one. The default unit is the temperature; the
 * distance is then in nats.
 */
export function keepWithin(
  row: Row,
  distance: number,
  unit = row.temperature,
  atLeast = row.minTokensToKeep,
): Pausing | undefined {
  if (distance === Number.POSITIVE_INFINITY) return undefined
  const size = collectWithin(row, distance, unit)
  if (size > LARGE) return keepManyWithin(row, size, distance, unit, atLeast)
  const kept = countWithin(row, size, distance, unit)
  if (kept < atLeast) return keepTop(row, 1, false, atLeast)
  dropBeyond(row, size, distance, unit, atLeast)
  return undefined
}

function* keepManyWithin(
  row: Row,
  size: number,
  distance: number,
  unit: number,
  atLeast: number,
): Pausing {
  yield
  const kept = countWithin(row, size, distance, unit)
  yield
  if (kept < atLeast) yield* finish(keepTop(row, 1, false, atLeast))
  else dropBeyond(row, size, distance, unit, atLeast)
}

function countWithin(row: Row, size: number, distance: number, unit: number): number {
  const { logits } = row.views
  const max = row.max()
  let count = 0
  for (let i = 0; i < size; i++) if (isWithin(logits[i]!, max, distance, unit)) count++
  return count
}

/** Keeps those of the first `size` entries of the arrays that are within the distance. */
function dropBeyond(row: Row, size: number, distance: number, unit: number, atLeast: number): void {
  const { ids, logits } = row.views
  const max = row.max()
  row.threshold = max - distance * unit + row.shift
  let kept = 0
  for (let i = 0; i < size; i++) {
    if (!isWithin(logits[i]!, max, distance, unit)) continue
    ids[kept] = ids[i]!
    logits[kept] = logits[i]!
    kept++
  }
  if (row.isDense || kept < size) row.become(kept, max)
  if (isWithin(row.floor(), max, distance, unit)) row.coverage.cutUnsurely()
  else row.coverage.leave(true)
  row.cutList(atLeast)
}

/** Keeps the tokens whose logit is at most this many standard deviations below the largest. */
export function keepWithinDeviations(
  row: Row,
  count: number,
  atLeast = row.minTokensToKeep,
): Pausing | undefined {
  if (row.isDense) {
    const depth = count * deviation(row)
    const max = row.max()
    const slack = DEVIATION_ERROR * (depth + Math.abs(max))
    // The kernel's deviation is not precise enough for tokens this near to the bound.
    if (row.dense.collect(max - depth - slack, max - depth + slack) > 0) row.gather()
  }
  return keepWithin(row, count * ROUNDED_UP, deviation(row), atLeast)
}

/**
 * Keeps the tokens with at least this probability. If they are fewer than `minTokensToKeep`, it keeps that number of
 * the most likely tokens instead and, with `allTies`, those that tie with the last of them.
 */
export function keepLikely(row: Row, probability: number, allTies = false): Pausing | undefined {
  const { temperature, minTokensToKeep } = row
  let distance = distanceOf(row, probability)
  if (allTies && minTokensToKeep > 1) {
    const last = (row.max() - cutAtRank(row, minTokensToKeep).threshold) / temperature
    distance = Math.max(distance, last)
  } else if (allTies) distance = Math.max(distance, 0)
  return row.isLarge ? keepWithinLater(row, distance) : keepWithin(row, distance)
}

function* keepWithinLater(row: Row, distance: number): Pausing {
  yield
  yield* finish(keepWithin(row, distance))
}

/**
 * Keeps the first `count` tokens of the ranking, or `atLeast` if that is more. With `allTies` it also keeps the
 * tokens that tie with the last of them.
 */
export function keepTop(
  row: Row,
  count: number,
  allTies = false,
  atLeast = row.minTokensToKeep,
): Pausing | undefined {
  count = Math.max(count, atLeast)
  const { isDense, coverage } = row
  const isBeyond = isDense ? allTies && count >= row.count() : count > row.count()
  if (isBeyond) {
    coverage.cutUnsurely()
  } else if (isDense || coverage.isPartial || count < row.count()) {
    if (row.isLarge) return keepTopInParts(row, count, allTies)
    const { size, ...cut } = cutAtRank(row, count)
    keepRanked(row, size, cut, allTies)
  }
  row.cutList(count)
  return undefined
}

function* keepTopInParts(row: Row, count: number, allTies: boolean): Pausing {
  yield
  const { size, ...cut } = cutAtRank(row, count)
  yield
  keepRanked(row, size, cut, allTies)
  row.cutList(count)
}

/** Applies a cut by logit to the first `size` entries of the arrays. */
function keepRanked(row: Row, size: number, cut: Kept, allTies: boolean): void {
  if (row.isDense) row.become(size)
  keepCut(row, allTies ? { ...cut, ties: size } : cut, row.views.logits, allTies)
}

/**
 * Applies a cut by these keys to the survivors. With `allTies`, tokens that a sparse row leaves out may tie with the
 * last token kept.
 */
export function keepCut(row: Row, cut: Kept, keys: Float64Array, allTies = false): void {
  const { ids, logits } = row.views
  const size = row.survivors.count()
  const { threshold } = cut
  let { ties } = cut
  let lastTie: number | undefined
  let kept = 0
  for (let i = 0; i < size; i++) {
    const key = keys[i]!
    if (key > threshold || (key === threshold && ties-- > 0)) {
      if (key === threshold) lastTie = ids[i]!
      ids[kept] = ids[i]!
      logits[kept] = logits[i]!
      kept++
    }
  }
  if (keys === logits) {
    row.threshold = threshold + row.shift
    row.coverage.cutAt(threshold, allTies ? undefined : lastTie)
  }
  if (kept < size) row.become(kept)
}

/** The cut of the first `size` entries or, if it keeps fewer than `minTokensToKeep`, the cut that keeps that number. */
export function widened(
  { minTokensToKeep }: Row,
  cut: Kept,
  keys: Float64Array,
  size: number,
): Kept {
  if (minTokensToKeep === 1 || countKept(cut, keys, size) >= minTokensToKeep) return cut
  return cutByWeight(keys, undefined, size, minTokensToKeep)
}

function countKept({ threshold, ties }: Kept, keys: Float64Array, size: number): number {
  let larger = 0
  let equal = 0
  for (let i = 0; i < size; i++) {
    if (keys[i]! > threshold) larger++
    else if (keys[i] === threshold) equal++
  }
  return larger + Math.min(equal, ties)
}
