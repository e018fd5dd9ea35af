import { BLOCK, exp, kernel, type RowMemory } from './kernel/index.ts'

/** How many of the most likely tokens are added up in float64. */
const APART = 256

/** How far the kernel's sum may be off, relatively. */
export const TAIL_ERROR = 2e-7

export interface MassSum {
  total: number
  /** What part of the total is the kernel's. */
  tail: number
  weighted: number
}

/**
 * A row with most of its vocabulary in play: float32 logits in the kernel's memory, which works on
 * them by blocks. A token whose logit was changed is set aside in float64, and its place in the row
 * masked, so that no change is rounded.
 */
export class Dense {
  /** Tokens in play. */
  size = 0
  #memory: RowMemory
  #blocks = 0
  #max = Number.NEGATIVE_INFINITY
  #aside = new Map<number, number>()
  #apartIds = new Uint32Array(0)
  #apartMasses = new Float64Array(0)

  constructor(memory: RowMemory) {
    this.#memory = memory
  }

  attach(memory: RowMemory): void {
    this.#memory = memory
  }

  load(logits: Float32Array): void {
    const { row, maxima, views } = this.#memory
    const { length } = logits
    this.#blocks = Math.ceil(length / BLOCK)
    views.row.set(logits)
    views.row.fill(Number.NEGATIVE_INFINITY, length, this.#blocks * BLOCK)
    this.#max = kernel.scan(row, this.#blocks, maxima)
    this.size = kernel.unmaskedCount.value
    this.#aside.clear()
  }

  max(): number {
    let max = this.#max
    for (const logit of this.#aside.values()) if (logit > max) max = logit
    return max
  }

  /** The lowest id at the maximum. */
  indexOfMax(): number {
    const { row, maxima } = this.#memory
    const max = this.max()
    let best = max === this.#max ? kernel.indexOfMax(row, this.#blocks, maxima, max) : -1
    for (const [id, logit] of this.#aside) {
      if (logit === max && (best < 0 || id < best)) best = id
    }
    return best
  }

  /** −∞ when the token is not in play. */
  logitOf(id: number): number {
    return this.#aside.get(id) ?? this.#memory.views.row[id]!
  }

  /** −∞ takes the token out of play. The token must be in play. */
  setLogit(id: number, logit: number): void {
    if (!this.#aside.delete(id)) this.#mask(id)
    if (logit === Number.NEGATIVE_INFINITY) this.size--
    else this.#aside.set(id, logit)
  }

  #mask(id: number): void {
    const { row, maxima } = this.#memory.views
    const block = Math.floor(id / BLOCK)
    const logit = row[id]!
    row[id] = Number.NEGATIVE_INFINITY
    if (logit < maxima[block]!) return
    let max = Number.NEGATIVE_INFINITY
    for (let i = block * BLOCK; i < (block + 1) * BLOCK; i++) if (row[i]! > max) max = row[i]!
    maxima[block] = max
    if (logit < this.#max) return
    this.#max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.#blocks; i++) if (maxima[i]! > this.#max) this.#max = maxima[i]!
  }

  /** How many tokens in play rank before one with this logit. */
  countBefore(id: number, logit: number): number {
    const row = this.#memory.views.row
    const end = this.#blocks * BLOCK
    let count = 0
    for (let other = 0; other < end; other++) {
      const value = row[other]!
      if (value > logit || (value === logit && other < id)) count++
    }
    for (const [other, value] of this.#aside) {
      if (value > logit || (value === logit && other < id)) count++
    }
    return count
  }

  /** Leave only tokens in play whose bit is set. */
  keepBits(words: Int32Array): void {
    const { row, maxima, views } = this.#memory
    words.forEach((word, index) => {
      if (word === -1) return
      const start = index << 5
      if (word === 0) views.row.fill(Number.NEGATIVE_INFINITY, start, start + 32)
      else {
        for (let bit = 0; bit < 32; bit++) {
          if (((word >>> bit) & 1) === 0) views.row[start + bit] = Number.NEGATIVE_INFINITY
        }
      }
    })
    for (const id of this.#aside.keys()) {
      if (((words[id >>> 5]! >>> (id & 31)) & 1) === 0) this.#aside.delete(id)
    }
    this.#max = kernel.scan(row, this.#blocks, maxima)
    this.size = kernel.unmaskedCount.value + this.#aside.size
  }

  /**
   * Σ e^d, with d = (logit − max) / temperature, and Σ d e^d where it is asked for. The most likely
   * tokens, and those set aside, are added up in float64; only the rest, whose sum is `tail`, is the
   * kernel's and as precise as it is (`TAIL_ERROR`).
   */
  sumExp(temperature: number, weigh: boolean): MassSum {
    const { row, sums, logits, masses, views } = this.#memory
    const max = this.max()
    const apart = this.#collect(this.thresholdFor(APART), true)
    let total = kernel.expInto64(logits, apart, max, temperature, masses)
    let weighted = 0
    for (let i = 0; weigh && i < apart; i++) {
      const mass = views.masses[i]!
      if (mass > 0) weighted += mass * ((views.logits[i]! - max) / temperature)
    }
    this.#apartIds = views.ids.slice(0, apart)
    this.#apartMasses = views.masses.slice(0, apart)

    const hidden = Float32Array.from(this.#apartIds, (id) => views.row[id]!)
    for (const id of this.#apartIds) views.row[id] = Number.NEGATIVE_INFINITY
    const sum = weigh ? kernel.sumExpWeighted : kernel.sumExp
    const tail = sum(row, this.#blocks, max, temperature, sums)
    if (weigh) weighted += kernel.weightedSum.value
    this.#apartIds.forEach((id, i) => {
      views.row[id] = hidden[i]!
    })
    total += tail
    return { total, tail, weighted }
  }

  /** Running sums of mass at the end of each block, after `sumExp`. */
  runningSums(): Float64Array {
    const running = this.#memory.views.sums.slice(0, this.#blocks)
    this.#apartIds.forEach((id, i) => {
      running[Math.floor(id / BLOCK)]! += this.#apartMasses[i]!
    })
    for (let i = 1; i < running.length; i++) running[i]! += running[i - 1]!
    return running
  }

  /** The first token of a block at which the running sum exceeds `target`, else its last with mass. */
  walk(block: number, before: number, target: number, temperature: number): number {
    const max = this.max()
    let running = before
    let last = -1
    for (let id = block * BLOCK; id < (block + 1) * BLOCK; id++) {
      const mass = exp((this.logitOf(id) - max) / temperature)
      if (mass === 0) continue
      last = id
      running += mass
      if (running > target) break
    }
    return last
  }

  /** Mean and population variance of the logits in play, the mean as its distance to the maximum. */
  deviation(): number {
    kernel.moments(this.#memory.row, this.#blocks, this.#max)
    const count = kernel.momentCount.value
    if (this.#aside.size === 0) return Math.sqrt(kernel.momentSquares.value / count)
    const mean = kernel.momentMean.value + this.#max
    const aside = [...this.#aside.values()]
    const all = count + aside.length
    const sum = aside.reduce((a, logit) => a + (logit - (count > 0 ? mean : 0)), 0)
    const shift = sum / all
    const center = (count > 0 ? mean : 0) + shift
    let squares = kernel.momentSquares.value + count * shift * shift
    for (const logit of aside) squares += (logit - center) * (logit - center)
    return Math.sqrt(squares / all)
  }

  /** A threshold that `count` tokens reach, and not many more; −∞ when no fewer than all would do. */
  thresholdFor(count: number): number {
    if (count >= this.size - this.#aside.size) return Number.NEGATIVE_INFINITY
    const { row, maxima } = this.#memory
    return kernel.thresholdForCount(row, this.#blocks, maxima, this.#max, count)
  }

  /** Ids and logits of the tokens from `threshold` up, ids ascending; how many they are. */
  collect(threshold: number): number {
    return this.#collect(threshold, false)
  }

  #collect(threshold: number, allAside: boolean): number {
    const { row, maxima, ids, logits, views } = this.#memory
    const bound = float32Below(threshold)
    let count = kernel.collect(row, this.#blocks, maxima, bound, ids, logits)
    if (this.#aside.size === 0) return count
    const aside = [...this.#aside].filter(([, logit]) => allAside || logit >= threshold)
    aside.sort(([a], [b]) => a - b)
    // Merged from the back, so that what is moved is moved once.
    let from = count - 1
    count += aside.length
    for (let to = count - 1, next = aside.length - 1; next >= 0; to--) {
      const [id, logit] = aside[next]!
      if (from >= 0 && views.ids[from]! > id) {
        views.ids[to] = views.ids[from]!
        views.logits[to] = views.logits[from]!
        from--
      } else {
        views.ids[to] = id
        views.logits[to] = logit
        next--
      }
    }
    return count
  }
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The largest float32 not above a number. */
function float32Below(value: number): number {
  float[0] = value
  if (float[0] <= value || Number.isNaN(value)) return float[0]
  bits[0]! += float[0] > 0 ? -1 : 1
  return float[0]
}
