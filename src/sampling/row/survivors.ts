import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { kernel } from '../../kernel/index.ts'
import type { RowMemory } from '../../kernel/memory.ts'
import type { MassSum, Representation } from './representation.ts'
import { firstFrom, mergeTokens, sorted, type Tokens } from './tokens.ts'

/** Up to this many tokens are removed one by one. */
const FEW = 64

/** Bytes of a float64. */
const BYTES = 8

/** The square of a number above this does not underflow float64. */
const FAINTEST = 1e-100

/** The tokens in play one by one: parallel arrays `ids` (ascending) and `logits` in float64. */
export class Survivors implements Representation {
  #memory: RowMemory
  #size = 0
  #max: number | undefined

  constructor(memory: RowMemory) {
    this.#memory = memory
  }

  attach(memory: RowMemory): void {
    this.#memory = memory
  }

  /** The first `size` entries of the arrays are the tokens in play. `max` is their largest logit, if it is known. */
  take(size: number, max?: number): void {
    this.#size = size
    this.#max = max
  }

  /** Takes the logits of a whole vocabulary. */
  load(values: Float32Array): void {
    const { ids, logits } = this.#memory.views
    let size = 0
    for (let id = 0; id < values.length; id++) {
      const logit = values[id]!
      ids[size] = id
      logits[size] = logit
      if (logit > Number.NEGATIVE_INFINITY) size++
    }
    this.take(size)
  }

  /** Takes tokens, ids ascending; those at −∞ are not in play. */
  loadTokens(ids: Uint32Array, logits: Float32Array | Float64Array): void {
    const { views } = this.#memory
    views.ids.set(ids)
    views.logits.set(logits)
    this.take(ids.length)
    this.dropMasked()
  }

  /** Drops the tokens at −∞. */
  dropMasked(): void {
    const { ids, logits } = this.#memory.views
    let kept = 0
    for (let i = 0; i < this.#size; i++) {
      ids[kept] = ids[i]!
      logits[kept] = logits[i]!
      if (logits[i]! > Number.NEGATIVE_INFINITY) kept++
    }
    this.take(kept)
  }

  count(): number {
    return this.#size
  }

  max(): number {
    if (this.#max === undefined) {
      const { logits } = this.#memory.views
      const size = this.#size
      let max = Number.NEGATIVE_INFINITY
      for (let i = 0; i < size; i++) if (logits[i]! > max) max = logits[i]!
      this.#max = max
    }
    return this.#max
  }

  mostLikely(): number {
    const { ids, logits } = this.#memory.views
    return ids[logits.indexOf(this.max())]!
  }

  /** The index of a token in the arrays; −1 if it is not in play. */
  indexOf(id: number): number {
    const { ids } = this.#memory.views
    const index = firstFrom(ids, id, this.#size)
    return index < this.#size && ids[index] === id ? index : -1
  }

  logitOf(id: number): number {
    const index = this.indexOf(id)
    return index < 0 ? Number.NEGATIVE_INFINITY : this.#memory.views.logits[index]!
  }

  setLogit(id: number, logit: number): void {
    const index = this.indexOf(id)
    this.#max = undefined
    if (logit > Number.NEGATIVE_INFINITY) {
      this.#memory.views.logits[index] = logit
      return
    }
    const { ids, logits } = this.#memory.views
    ids.copyWithin(index, index + 1, this.#size)
    logits.copyWithin(index, index + 1, this.#size)
    this.#size--
  }

  putBack(tokens: Tokens): void {
    this.take(mergeTokens(this.#memory.views, this.#size, tokens))
  }

  /** Takes at most `LARGE` tokens out of play. Some of them may be out of play already. */
  remove(ids: Uint32Array): void {
    if (ids.length > FEW) {
      this.keepListed(sorted(ids), false)
      return
    }
    const { logits } = this.#memory.views
    for (let i = 0; i < ids.length; i++) {
      const index = this.indexOf(ids[i]!)
      if (index >= 0) logits[index] = Number.NEGATIVE_INFINITY
    }
    this.dropMasked()
  }

  /** Keeps only the tokens on a list of ascending ids; with `isKept` false, only those that are not on it. */
  keepListed(listed: Uint32Array, isKept = true): void {
    const { ids, logits } = this.#memory.views
    const size = this.#size
    // In a list much longer than the row, a binary search for each token is faster than a pass.
    const isFar = listed.length > 16 * size
    let next = 0
    let kept = 0
    for (let i = 0; i < size; i++) {
      const id = ids[i]!
      if (isFar) next = firstFrom(listed, id)
      else while (next < listed.length && listed[next]! < id) next++
      if ((listed[next] === id) !== isKept) continue
      ids[kept] = id
      logits[kept] = logits[i]!
      kept++
    }
    this.take(kept)
  }

  keepBits(words: Int32Array): void {
    const { ids, logits } = this.#memory.views
    let kept = 0
    for (let i = 0; i < this.#size; i++) {
      const id = ids[i]!
      if (((words[id >>> 5]! >>> (id & 31)) & 1) === 0) continue
      ids[kept] = id
      logits[kept] = logits[i]!
      kept++
    }
    this.take(kept)
  }

  thresholdFor(): number {
    return Number.NEGATIVE_INFINITY
  }

  collect(): number {
    return this.#size
  }

  sum(temperature: number, weigh: boolean): MassSum {
    const total = this.weigh(temperature)
    return this.sumOf(total, weigh ? this.weighted(temperature) : 0)
  }

  *sumInParts(temperature: number): Pausing<MassSum> {
    const total = yield* this.weighInParts(temperature)
    yield
    return this.sumOf(total, 0)
  }

  /** Writes the masses of the first `size` entries to `masses`, and returns their sum. */
  weigh(temperature: number, size = this.#size, max = this.max()): number {
    const { logits, masses } = this.#memory
    return kernel.expInto64(logits, size, max, temperature, masses)
  }

  /** The same for all tokens, in parts. It adds the masses in the kernel's order, so the sum has the same bits. */
  *weighInParts(temperature: number): Pausing<number> {
    const { logits, masses, views } = this.#memory
    const size = this.#size
    const max = this.max()
    for (let start = 0; start < size; start += PART) {
      if (start > 0) yield
      const [from, to] = [logits + start * BYTES, masses + start * BYTES]
      kernel.expInto64(from, Math.min(PART, size - start), max, temperature, to)
    }
    let total = 0
    for (let i = 0; i < size; i++) total += views.masses[i]!
    return total
  }

  /** Σ mass · (logit − max) / temperature, after `weigh`. */
  weighted(temperature: number): number {
    const { logits, masses } = this.#memory.views
    const max = this.max()
    let sum = 0
    for (let i = 0; i < this.#size; i++) {
      const mass = masses[i]!
      if (mass > 0) sum += mass * ((logits[i]! - max) / temperature)
    }
    return sum
  }

  /** The sums, after `weigh`. */
  sumOf(total: number, weighted: number): MassSum {
    const rest = total < 2 ? restOf(this.#memory.views.masses, this.#size) : total - 1
    return { total, rest, tail: 0, weighted }
  }

  sumOfSquares(): number {
    const { masses } = this.#memory.views
    let squares = 0
    for (let i = 0; i < this.#size; i++) squares += masses[i]! * masses[i]!
    return squares
  }

  deviation(): number {
    const { logits } = this.#memory.views
    const size = this.#size
    const max = this.max()
    let sum = 0
    let least = 0
    for (let i = 0; i < size; i++) {
      const d = logits[i]! - max
      sum += d
      if (d < least) least = d
    }
    const mean = sum / size
    // If all distances are this small, their squares underflow float64. So divide them by the largest one.
    const unit = least > -FAINTEST ? -least : 1
    if (unit === 0) return 0
    let squares = 0
    for (let i = 0; i < size; i++) {
      const d = (logits[i]! - max - mean) / unit
      squares += d * d
    }
    return unit * Math.sqrt(squares / size)
  }
}

/** The sum of masses without the largest, which is 1. */
export function restOf(masses: Float64Array, size: number): number {
  let rest = 0
  let isLeftOut = false
  for (let i = 0; i < size; i++) {
    if (masses[i] === 1 && !isLeftOut) isLeftOut = true
    else rest += masses[i]!
  }
  return rest
}
