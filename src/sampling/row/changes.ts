import { LARGE, PART, type Pausing } from '../../algorithms/pausing.ts'
import type { InPlay } from './in-play.ts'
import { addUp, logTotal } from './statistics.ts'
import { ascending } from './tokens.ts'

/** Changes of logits, and of which tokens are in play. */

/** No logit goes beyond this, so that no product of two leaves float64. */
const LARGEST = 1e150

/** From this temperature on logits are divided by it at once, so that no product with it leaves float64 either. */
const HOTTEST = 1e100

/** From a logit this many temperatures large, a change of one temperature would lose digits when it is added. */
const COARSE = 2 ** 20

/** More tokens than this are not worth setting aside one by one in a dense row. */
const FEW = 64

function bounded(logit: number): number {
  return Math.min(LARGEST, Math.max(-LARGEST, logit))
}

export function setTemperature(row: InPlay, temperature: number): void {
  if (temperature !== row.temperature) row.coverage.blur()
  row.temperature = temperature
  row.sum = undefined
  if (temperature >= HOTTEST) divide(row, temperature)
}

/** Make the temperature a part of the logits. */
function divide(row: InPlay, temperature: number): void {
  // The tokens that a sparse row leaves out have no known logits to divide.
  row.coverage.needEach()
  row.gather()
  const { logits } = row.views
  const size = row.tokens.count()
  for (let i = 0; i < size; i++) logits[i]! /= temperature
  row.shift /= temperature
  row.temperature = 1
  row.become(size)
}

/** Change the logit of a token in play; −∞ takes it out. A token out of play stays out of play. */
export function setLogit(row: InPlay, id: number, logit: number): void {
  if (row.tokens.logitOf(id) === Number.NEGATIVE_INFINITY) {
    if (row.coverage.has(id)) row.coverage.blur()
    return
  }
  put(row, id, logit === Number.NEGATIVE_INFINITY ? logit : bounded(logit))
}

function put(row: InPlay, id: number, logit: number): void {
  row.sum = undefined
  row.tokens.setLogit(id, logit)
}

/** Add to the tempered logit of a token; −∞ takes it out of play. */
export function add(row: InPlay, id: number, bias: number): void {
  if (bias === 0) return
  let logit = row.tokens.logitOf(id)
  if (logit === Number.NEGATIVE_INFINITY) {
    if (bias > 0) raiseUnseen(row, id)
    else if (row.coverage.has(id)) row.coverage.blur()
  } else if (bias === Number.NEGATIVE_INFINITY) {
    put(row, id, bias)
  } else {
    if (isCoarse(row, logit)) {
      countFromLargest(row)
      logit = row.tokens.logitOf(id)
    }
    put(row, id, bounded(logit + bias * row.temperature))
  }
}

/** Whether a logit is so large that a small change of it would be rounded away. */
function isCoarse({ temperature }: InPlay, logit: number): boolean {
  return Math.abs(logit) >= COARSE * temperature
}

/**
 * Count logits from the largest, so that a small change near it is not rounded away; unless that would
 * itself round one.
 */
export function countFromLargest(row: InPlay): void {
  const max = row.tokens.max()
  if (max === 0) return
  row.gather()
  const { logits } = row.views
  const size = row.tokens.count()
  for (let i = 0; i < size; i++) if (logits[i]! - max + max !== logits[i]) return
  for (let i = 0; i < size; i++) logits[i]! -= max
  row.shift += max
  row.become(size)
}

/** A token that is not in play would be more likely now, if a sparse row has only left it out. */
export function raiseUnseen({ coverage }: InPlay, id: number): void {
  if (coverage.has(id)) coverage.needEach()
}

/** Take tokens out of play, at once or, where they are more than `LARGE`, in parts. */
export function remove(row: InPlay, ids: Uint32Array): Pausing | undefined {
  if (ids.length === 0) return undefined
  if (row.coverage.isWeighed && row.coverage.hasAny(ids)) row.coverage.blur()
  row.sum = undefined
  if (ids.length > LARGE) return removeMany(row, ids)
  if (row.isDense) row.dense.remove(ids)
  else row.survivors.remove(ids)
  return undefined
}

function* removeMany(row: InPlay, ids: Uint32Array): Pausing {
  if (!row.isDense) {
    row.survivors.keepListed(yield* ascending(ids), false)
    return
  }
  for (let start = 0; start < ids.length; start += LARGE) {
    row.dense.remove(ids.subarray(start, start + LARGE))
    yield
  }
}

/**
 * Put tokens back in play, ids ascending: with the natural logarithm of what each weighs, where those in
 * play now weigh 1 together.
 */
export function* putBack(row: InPlay, ids: Uint32Array, logprobs: Float64Array): Pausing {
  if (isCoarse(row, row.tokens.max())) countFromLargest(row)
  const max = row.tokens.max()
  const total = logTotal(row)
  const logits = new Float64Array(ids.length)
  for (let i = 0; i < ids.length; i++) {
    logits[i] = bounded(max + row.temperature * (logprobs[i]! + total))
  }
  if (ids.length > PART) yield
  if (ids.length > FEW) row.gather()
  row.tokens.putBack({ ids, logits })
  row.sum = undefined
}

/**
 * Leave only these tokens in play, of those that are. With `force`, if none is, they are put in play
 * with equal logits.
 */
export function* keepOnly(row: InPlay, allowed: Uint32Array, force: boolean): Pausing {
  const isLong = allowed.length > PART
  const isKnown = !row.coverage.hasAny(allowed)
  if (isKnown) row.coverage.leave()
  else row.coverage.blur()
  const ids = yield* ascending(allowed)
  if (isLong) yield
  if (row.isDense) {
    const logits = new Float64Array(ids.length)
    for (let i = 0; i < ids.length; i++) logits[i] = row.dense.logitOf(ids[i]!)
    if (isLong) yield
    replace(row, ids, logits)
  } else {
    row.survivors.keepListed(ids)
    row.sum = undefined
  }
  if (force && isKnown && row.tokens.count() === 0) replace(row, ids, new Float64Array(ids.length))
}

function replace(row: InPlay, ids: Uint32Array, logits: Float64Array): void {
  row.become(0)
  row.survivors.loadTokens(ids, logits)
}

/** Leave only tokens in play whose bit is set: bit `id & 31` of word `id >> 5`. */
export function keepBits(row: InPlay, words: Int32Array): void {
  row.coverage.keepBits(words, row.vocabSize)
  row.sum = undefined
  row.tokens.keepBits(words)
}

/** Give every token in play another logit, counted as they are (`shift`). */
export function* map(row: InPlay, toLogit: (logit: number, mass: number) => number): Pausing {
  row.coverage.needEach()
  row.gather()
  if (row.isLarge) yield
  yield* addUp(row)
  const { logits, masses } = row.views
  const size = row.tokens.count()
  for (let start = 0; start < size; start += PART) {
    if (start > 0) yield
    const end = Math.min(size, start + PART)
    for (let i = start; i < end; i++) logits[i] = bounded(toLogit(logits[i]!, masses[i]!))
  }
  row.become(size)
}
