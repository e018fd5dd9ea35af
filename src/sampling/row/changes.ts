import { LARGE, PART, type Pausing } from '../../algorithms/pausing.ts'
import type { Row } from './row.ts'
import { addUp, logTotal } from './statistics.ts'
import { ascending } from './tokens.ts'

/** Changes of logits, and of which tokens are in play. */

/** No logit exceeds this, so that the product of two logits does not overflow float64. */
const LARGEST = 1e150

/** From this temperature on, logits are divided at once, so that no product with the temperature overflows float64. */
const HOTTEST = 1e100

/** If a logit is at least this many times the temperature, adding one temperature to it would lose digits. */
const COARSE = 2 ** 20

/**
 * Up to this number, tokens that return to a dense row are set aside one by one. With more, the row becomes
 * survivors.
 */
const FEW = 64

function bounded(logit: number): number {
  return Math.min(LARGEST, Math.max(-LARGEST, logit))
}

export function setTemperature(row: Row, temperature: number): void {
  if (temperature !== row.temperature) row.coverage.blur()
  row.temperature = temperature
  row.sum = undefined
  if (temperature >= HOTTEST) divide(row, temperature)
}

/** Divides the logits by the temperature, which becomes 1. */
function divide(row: Row, temperature: number): void {
  // The logits of tokens that a sparse row leaves out are not known, so they cannot be divided.
  row.coverage.needEach()
  row.gather()
  const { logits } = row.views
  const size = row.count()
  for (let i = 0; i < size; i++) logits[i]! /= temperature
  row.shift /= temperature
  row.temperature = 1
  row.become(size)
}

/** Changes the logit of a token in play; −∞ takes it out of play. A token out of play stays out of play. */
export function setLogit(row: Row, id: number, logit: number): void {
  if (row.logitOf(id) === Number.NEGATIVE_INFINITY) {
    if (row.coverage.has(id)) row.coverage.blur()
    return
  }
  put(row, id, logit === Number.NEGATIVE_INFINITY ? logit : bounded(logit))
}

function put(row: Row, id: number, logit: number): void {
  row.sum = undefined
  row.tokens.setLogit(id, logit)
}

/** Adds a number to the tempered logit of a token; −∞ takes the token out of play. */
export function addToLogit(row: Row, id: number, bias: number): void {
  if (bias === 0) return
  let logit = row.logitOf(id)
  if (logit === Number.NEGATIVE_INFINITY) {
    if (bias > 0) raiseUnseen(row, id)
    else if (row.coverage.has(id)) row.coverage.blur()
  } else if (bias === Number.NEGATIVE_INFINITY) {
    put(row, id, bias)
  } else {
    if (isCoarse(row, logit)) {
      countFromLargest(row)
      logit = row.logitOf(id)
    }
    put(row, id, bounded(logit + bias * row.temperature))
  }
}

/** Whether a logit is so large that a small change of it would be rounded away. */
function isCoarse({ temperature }: Row, logit: number): boolean {
  return Math.abs(logit) >= COARSE * temperature
}

/**
 * Subtracts the largest logit from all logits, so that a small change near the largest is not rounded away. Does
 * nothing if this would round a logit.
 */
export function countFromLargest(row: Row): void {
  const max = row.max()
  if (max === 0) return
  row.gather()
  const { logits } = row.views
  const size = row.count()
  for (let i = 0; i < size; i++) if (logits[i]! - max + max !== logits[i]) return
  for (let i = 0; i < size; i++) logits[i]! -= max
  row.shift += max
  row.become(size)
}

/**
 * Call this for a change that makes a token more likely, if the token is not in play. If a sparse row left it out,
 * the row is no longer exact.
 */
export function raiseUnseen({ coverage }: Row, id: number): void {
  if (coverage.has(id)) coverage.needEach()
}

/** Takes tokens out of play, at once or, if there are more than `LARGE`, in parts. */
export function remove(row: Row, ids: Uint32Array): Pausing | undefined {
  if (ids.length === 0) return undefined
  if (row.coverage.isWeighed && row.coverage.hasAny(ids)) row.coverage.blur()
  row.sum = undefined
  if (ids.length > LARGE) return removeMany(row, ids)
  if (row.isDense) row.dense.remove(ids)
  else row.survivors.remove(ids)
  return undefined
}

function* removeMany(row: Row, ids: Uint32Array): Pausing {
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
 * Puts tokens back in play, ids ascending. `logprobs` are the natural logarithms of their masses,
 * relative to the total mass of the tokens in play before.
 */
export function* putBack(row: Row, ids: Uint32Array, logprobs: Float64Array): Pausing {
  if (isCoarse(row, row.max())) countFromLargest(row)
  const max = row.max()
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
 * Takes all tokens out of play except these. With `force`, if none of these is in play, all of them are put in play
 * with equal logits.
 */
export function* keepOnly(row: Row, allowed: Uint32Array, force = false): Pausing {
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
  if (force && isKnown && row.count() === 0) replace(row, ids, new Float64Array(ids.length))
}

function replace(row: Row, ids: Uint32Array, logits: Float64Array): void {
  row.become(0)
  row.survivors.loadTokens(ids, logits)
}

/** Takes all tokens out of play except those whose bit is set: bit `id & 31` of word `id >> 5`. */
export function keepBits(row: Row, words: Int32Array): void {
  row.coverage.keepBits(words, row.vocabSize)
  row.sum = undefined
  row.tokens.keepBits(words)
}

/** Replaces the logit of each token in play. `toLogit` takes and returns logits from which `shift` is subtracted. */
export function* mapLogits(row: Row, toLogit: (logit: number, mass: number) => number): Pausing {
  row.coverage.needEach()
  row.gather()
  if (row.isLarge) yield
  yield* addUp(row)
  const { logits, masses } = row.views
  const size = row.count()
  for (let start = 0; start < size; start += PART) {
    if (start > 0) yield
    const end = Math.min(size, start + PART)
    for (let i = start; i < end; i++) logits[i] = bounded(toLogit(logits[i]!, masses[i]!))
  }
  row.become(size)
}
