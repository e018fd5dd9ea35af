import type { Pausing } from '../../algorithms/pausing.ts'
import { reusable } from '../../algorithms/reusable.ts'
import { BLOCK, exp, kernel } from '../../kernel/index.ts'
import { Blocks } from './blocks.ts'
import type { MassSum, Representation } from './representation.ts'
import { restOf } from './survivors.ts'

/** The number of most likely tokens that are summed in float64. */
const APART = 64

/** Largest relative error of the kernel's sum. */
export const TAIL_ERROR = 2e-7

const runningOf = reusable()

/** A row with most of its vocabulary in play, which the kernel works on as a whole. */
export class Dense extends Blocks implements Representation {
  /** The first `#apart` entries are the tokens that are summed in float64. */
  #apart = 0
  #apartIds = new Uint32Array(0)
  #apartMasses = new Float64Array(0)
  #hidden = new Float32Array(0)
  /** Factor that makes the kernel's masses relative to the largest logit of all tokens. */
  scale = 1

  /**
   * Computes Σ e^d, with d = (logit − max) / temperature, and with `weigh` also Σ d e^d. The most likely tokens and
   * those set aside are summed in float64. The kernel sums the rest, which is `tail`, with a relative error of
   * `TAIL_ERROR`.
   */
  sum(temperature: number, weigh: boolean): MassSum {
    const apart = this.#collectApart()
    const total = this.#weighApart(apart, temperature)
    const weighted = weigh ? this.#weightedApart(apart, temperature) : 0
    this.#setApart(apart)
    return this.#addRest(total, weighted, temperature, weigh)
  }

  /** The same without `weighted`, in parts, because a sum with very many tokens set aside takes long. */
  *sumInParts(temperature: number): Pausing<MassSum> {
    const apart = this.#collectApart()
    yield
    const total = this.#weighApart(apart, temperature)
    yield
    this.#setApart(apart)
    yield
    return this.#addRest(total, 0, temperature, false)
  }

  /** Collects the tokens that are summed in float64 into the first entries of the arrays. Returns their number. */
  #collectApart(): number {
    return this.collect(this.thresholdFor(APART), Number.POSITIVE_INFINITY, true)
  }

  #weighApart(apart: number, temperature: number): number {
    const { logits, masses } = this.memory
    return kernel.expInto64(logits, apart, this.max(), temperature, masses)
  }

  #weightedApart(apart: number, temperature: number): number {
    const { logits, masses } = this.memory.views
    const max = this.max()
    let weighted = 0
    for (let i = 0; i < apart; i++) {
      const mass = masses[i]!
      if (mass > 0) weighted += mass * ((logits[i]! - max) / temperature)
    }
    return weighted
  }

  /** Adds the kernel's sum of all other tokens. Meanwhile the tokens summed before are masked in the row. */
  #addRest(total: number, weighted: number, temperature: number, weigh: boolean): MassSum {
    const { row, sums, views } = this.memory
    const max = this.max()
    const apart = this.#apart
    const rest = restOf(this.#apartMasses, apart)
    const hidden = this.#hidden
    for (let i = 0; i < apart; i++) {
      const id = this.#apartIds[i]!
      hidden[i] = views.row[id]!
      views.row[id] = Number.NEGATIVE_INFINITY
    }
    const sum = weigh ? kernel.sumExpWeighted : kernel.sumExp
    // The kernel gets the maximum of the row, which is a float32. The largest logit may be that of a token set aside,
    // which may be no float32.
    const distance = (this.rowMax - max) / temperature
    this.scale = exp(distance)
    let tail = 0
    if (this.scale > 0) {
      const mass = sum(row, this.blocks, this.rowMax, temperature, sums)
      tail = this.scale * mass
      if (weigh) weighted += this.scale * (kernel.weightedSum.value + distance * mass)
    } else {
      views.sums.fill(0, 0, this.blocks)
    }
    for (let i = 0; i < apart; i++) views.row[this.#apartIds[i]!] = hidden[i]!
    return { total: total + tail, rest: rest + tail, tail, weighted }
  }

  #setApart(count: number): void {
    if (count > this.#apartIds.length) {
      this.#apartIds = new Uint32Array(2 * count)
      this.#apartMasses = new Float64Array(2 * count)
      this.#hidden = new Float32Array(2 * count)
    }
    const { ids, masses } = this.memory.views
    this.#apartIds.set(ids.subarray(0, count))
    this.#apartMasses.set(masses.subarray(0, count))
    this.#apart = count
  }

  /** Running sums of mass at the end of each block, after `sum`. */
  runningSums(): Float64Array {
    const running = runningOf(this.blocks)
    running.set(this.memory.views.sums.subarray(0, this.blocks))
    if (this.scale !== 1) for (let i = 0; i < running.length; i++) running[i]! *= this.scale
    for (let i = 0; i < this.#apart; i++) {
      running[Math.floor(this.#apartIds[i]! / BLOCK)]! += this.#apartMasses[i]!
    }
    for (let i = 1; i < running.length; i++) running[i]! += running[i - 1]!
    return running
  }

  /**
   * The first token of a block at which the running sum exceeds `target`; if there is none, the last token with mass.
   */
  walk(block: number, before: number, target: number, temperature: number): number {
    const { row } = this.memory.views
    const max = this.max()
    const aside = this.aside.size > 0
    let running = before
    let last = -1
    for (let id = block * BLOCK; id < (block + 1) * BLOCK; id++) {
      const logit = aside ? this.logitOf(id) : row[id]!
      const mass = exp((logit - max) / temperature)
      if (mass === 0) continue
      last = id
      running += mass
      if (running > target) break
    }
    return last
  }

  /** e^(2d/T) = e^(d/(T/2)), so this is the sum at half the temperature. */
  sumOfSquares(temperature: number): number {
    return this.sum(Math.max(temperature / 2, Number.MIN_VALUE), false).total
  }

  deviation(): number {
    this.refresh()
    kernel.moments(this.memory.row, this.blocks, this.rowMax)
    const count = kernel.momentCount.value
    if (this.aside.size === 0) return Math.sqrt(kernel.momentSquares.value / count)
    const mean = kernel.momentMean.value + this.rowMax
    const all = count + this.aside.size
    let sum = 0
    this.aside.visit((_, logit) => {
      sum += logit - (count > 0 ? mean : 0)
    })
    const shift = sum / all
    const center = (count > 0 ? mean : 0) + shift
    let squares = kernel.momentSquares.value + count * shift * shift
    this.aside.visit((_, logit) => {
      squares += (logit - center) * (logit - center)
    })
    return Math.sqrt(squares / all)
  }
}
