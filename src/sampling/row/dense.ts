import type { Pausing } from '../../algorithms/pausing.ts'
import { reusable } from '../../algorithms/reusable.ts'
import { cutByWeight } from '../../algorithms/select.ts'
import { BLOCK, exp, kernel } from '../../kernel/index.ts'
import { type RowMemory, rowAt } from '../../kernel/memory.ts'
import type { Elements } from '../../tensors/elements.ts'
import { loadRow, scanRow } from '../../tensors/load.ts'
import { Aside, type Tokens } from './aside.ts'

/** How many of the most likely tokens are added up in float64. */
const APART = 64

/** How much of what may be dropped is looked at token by token, to either side. */
const BAND = 0.05

/** How closely a sample is asked where the cut is, in temperatures; it does not know better. */
const PRECISION = 0.01

/** How many blocks make a sample. */
const SAMPLE_BLOCKS = 64

/** Of 2 to this many blocks, more than one out of date are found anew by a look at all. */
const RESCAN = 4

/** The most negative finite float32. */
const LOWEST = -3.4028234663852886e38

/** How far the kernel's sum may be off, relatively. */
export const TAIL_ERROR = 2e-7

export interface MassSum {
  total: number
  /** The total without the largest mass, which is 1. */
  rest: number
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
  #own: RowMemory
  /** Its own, or with the row where its logits came to lie. */
  #memory: RowMemory
  #blocks = 0
  #max = Number.NEGATIVE_INFINITY
  /** Tokens in play, once they were counted. */
  #size: number | undefined
  readonly #aside = new Aside()
  /** Blocks whose maximum may be less than noted, and whether that of the row may. */
  #stale: number[] = []
  #isMaxStale = false
  /** The first `#apart` entries of these are of tokens added up in float64. */
  #apart = 0
  #apartIds = new Uint32Array(0)
  #apartMasses = new Float64Array(0)
  #hidden = new Float32Array(0)
  /** What a mass of the kernel's is relative to the maximum of all. */
  #scale = 1

  constructor(memory: RowMemory) {
    this.#own = memory
    this.#memory = memory
  }

  attach(memory: RowMemory): void {
    this.#own = memory
    this.#memory = memory
  }

  /** With `mayChange`, logits that lie in the kernel's memory are worked on where they are. */
  load(logits: Elements, mayChange: boolean): void {
    const isHere = mayChange && logits.offset !== undefined
    this.#memory = isHere ? rowAt(logits.offset, logits.length, this.#own) : this.#own
    const { blocks, max } = isHere
      ? scanRow(this.#memory, logits.length)
      : loadRow(logits, this.#own)
    this.#blocks = blocks
    this.#setMax(max)
    this.#size = undefined
    this.#aside.clear()
  }

  /** After a look at all of the row. */
  #setMax(max: number): void {
    this.#max = max
    this.#isMaxStale = false
    this.#stale.length = 0
  }

  /** Bring the maxima up to date with tokens that were masked one by one. */
  #refresh(): void {
    const { row, maxima, views } = this.#memory
    if (this.#stale.length > this.#blocks >> RESCAN) {
      this.#setMax(kernel.scan(row, this.#blocks, maxima))
      return
    }
    for (const block of this.#stale) {
      const end = (block + 1) * BLOCK
      let max = Number.NEGATIVE_INFINITY
      for (let i = block * BLOCK; i < end; i++) if (views.row[i]! > max) max = views.row[i]!
      views.maxima[block] = max
    }
    this.#stale.length = 0
    if (this.#isMaxStale) this.#findMax()
  }

  /** How many tokens are in play. */
  get size(): number {
    if (this.#size === undefined) {
      this.#refresh()
      const { row, maxima } = this.#memory
      const lowest = Number.NEGATIVE_INFINITY
      this.#size = kernel.countAtLeast(row, this.#blocks, maxima, lowest) + this.#aside.size
    }
    return this.#size
  }

  max(): number {
    this.#refresh()
    return this.#aside.size === 0 ? this.#max : Math.max(this.#max, this.#aside.max())
  }

  /** The lowest id at the maximum. */
  indexOfMax(): number {
    const { row, maxima } = this.#memory
    const max = this.max()
    let best = max === this.#max ? kernel.indexOfMax(row, this.#blocks, maxima, max) : -1
    this.#aside.visit((id, logit) => {
      if (logit === max && (best < 0 || id < best)) best = id
    })
    return best
  }

  /** −∞ when the token is not in play. */
  logitOf(id: number): number {
    return this.#aside.get(id) ?? this.#memory.views.row[id]!
  }

  /** −∞ takes the token out of play. The token must be in play. */
  setLogit(id: number, logit: number): void {
    if (!this.#aside.has(id)) this.#mask(id)
    if (logit > Number.NEGATIVE_INFINITY) {
      this.#aside.set(id, logit)
    } else {
      this.#aside.delete(id)
      if (this.#size !== undefined) this.#size--
    }
  }

  /** Put a token in play that is not. */
  putBack(id: number, logit: number): void {
    this.#aside.set(id, logit)
    this.#size = undefined
  }

  /** Take tokens out of play, those of them that are in it. */
  remove(ids: ArrayLike<number>): void {
    const { row, maxima, views } = this.#memory
    for (let i = 0; i < ids.length; i++) {
      if (!this.#aside.delete(ids[i]!)) views.row[ids[i]!] = Number.NEGATIVE_INFINITY
    }
    this.#setMax(kernel.scan(row, this.#blocks, maxima))
    this.#size = undefined
  }

  #mask(id: number): void {
    const { row, maxima } = this.#memory.views
    const block = Math.floor(id / BLOCK)
    const logit = row[id]!
    row[id] = Number.NEGATIVE_INFINITY
    if (logit < maxima[block]!) return
    if (this.#stale.length <= this.#blocks >> RESCAN) this.#stale.push(block)
    if (logit === this.#max) this.#isMaxStale = true
  }

  #findMax(): void {
    const { maxima } = this.#memory.views
    let max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.#blocks; i++) if (maxima[i]! > max) max = maxima[i]!
    this.#max = max
    this.#isMaxStale = false
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
    this.#aside.visit((id) => {
      if (((words[id >>> 5]! >>> (id & 31)) & 1) === 0) this.#aside.delete(id)
    })
    this.#setMax(kernel.scan(row, this.#blocks, maxima))
    this.#size = undefined
  }

  /**
   * Σ e^d, with d = (logit − max) / temperature, and Σ d e^d where it is asked for. The most likely
   * tokens, and those set aside, are added up in float64; only the rest, whose sum is `tail`, is the
   * kernel's and as precise as it is (`TAIL_ERROR`).
   */
  sumExp(temperature: number, weigh: boolean): MassSum {
    const apart = this.#collectApart()
    const total = this.#weighApart(apart, temperature)
    const weighted = weigh ? this.#weightedApart(apart, temperature) : 0
    this.#setApart(apart)
    return this.#addRest(total, weighted, temperature, weigh)
  }

  /** The same part by part: where very many tokens were set aside, each part takes a while. */
  *sumExpInParts(temperature: number): Pausing<MassSum> {
    const apart = this.#collectApart()
    yield
    const total = this.#weighApart(apart, temperature)
    yield
    this.#setApart(apart)
    yield
    return this.#addRest(total, 0, temperature, false)
  }

  /** The first entries of the arrays are now those added up in float64. */
  #collectApart(): number {
    return this.collect(this.thresholdFor(APART), Number.POSITIVE_INFINITY, true)
  }

  #weighApart(apart: number, temperature: number): number {
    const { logits, masses } = this.#memory
    return kernel.expInto64(logits, apart, this.max(), temperature, masses)
  }

  #weightedApart(apart: number, temperature: number): number {
    const { logits, masses } = this.#memory.views
    const max = this.max()
    let weighted = 0
    for (let i = 0; i < apart; i++) {
      const mass = masses[i]!
      if (mass > 0) weighted += mass * ((logits[i]! - max) / temperature)
    }
    return weighted
  }

  /** Add the kernel's sum of all others, whose places in the row are masked for that. */
  #addRest(total: number, weighted: number, temperature: number, weigh: boolean): MassSum {
    const { row, sums, views } = this.#memory
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
    // The kernel's maximum is a float32, which one set aside need not be: it gets that of the others.
    const distance = (this.#max - max) / temperature
    this.#scale = exp(distance)
    let tail = 0
    if (this.#scale > 0) {
      const mass = sum(row, this.#blocks, this.#max, temperature, sums)
      tail = this.#scale * mass
      if (weigh) weighted += this.#scale * (kernel.weightedSum.value + distance * mass)
    } else {
      views.sums.fill(0, 0, this.#blocks)
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
    const { ids, masses } = this.#memory.views
    this.#apartIds.set(ids.subarray(0, count))
    this.#apartMasses.set(masses.subarray(0, count))
    this.#apart = count
  }

  /** Running sums of mass at the end of each block, after `sumExp`. */
  runningSums(): Float64Array {
    const running = runningOf(this.#blocks)
    running.set(this.#memory.views.sums.subarray(0, this.#blocks))
    if (this.#scale !== 1) for (let i = 0; i < running.length; i++) running[i]! *= this.#scale
    for (let i = 0; i < this.#apart; i++) {
      running[Math.floor(this.#apartIds[i]! / BLOCK)]! += this.#apartMasses[i]!
    }
    for (let i = 1; i < running.length; i++) running[i]! += running[i - 1]!
    return running
  }

  /** The first token of a block at which the running sum exceeds `target`, else its last with mass. */
  walk(block: number, before: number, target: number, temperature: number): number {
    const { row } = this.#memory.views
    const max = this.max()
    const aside = this.#aside.size > 0
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

  /** The population standard deviation of the logits in play. */
  deviation(): number {
    this.#refresh()
    kernel.moments(this.#memory.row, this.#blocks, this.#max)
    const count = kernel.momentCount.value
    if (this.#aside.size === 0) return Math.sqrt(kernel.momentSquares.value / count)
    const mean = kernel.momentMean.value + this.#max
    const all = count + this.#aside.size
    let sum = 0
    this.#aside.visit((_, logit) => {
      sum += logit - (count > 0 ? mean : 0)
    })
    const shift = sum / all
    const center = (count > 0 ? mean : 0) + shift
    let squares = kernel.momentSquares.value + count * shift * shift
    this.#aside.visit((_, logit) => {
      squares += (logit - center) * (logit - center)
    })
    return Math.sqrt(squares / all)
  }

  /**
   * Drop the least likely tokens, as long as what is dropped weighs no more than `allowance`; false,
   * and nothing dropped, when the kernel's precision does not tell where that is. For a cut far down
   * the ranking: what it drops is little, and so is the error of adding it up.
   *
   * A sample of the blocks says about where; there the row is looked at token by token.
   */
  dropTail(allowance: number, doubt: number, temperature: number): boolean {
    if (this.#scale === 0) return false
    const { row, maxima, masses, logits, views } = this.#memory
    const max = this.max()
    const lowest = this.#max - 100 * temperature
    const low = this.#tailThreshold((1 - BAND) * allowance, lowest, this.#max, temperature)
    const end = Math.min(low + temperature, this.#max)
    const high = this.#tailThreshold((1 + BAND) * allowance, low, end, temperature)
    let below = this.#scale * kernel.sumBelow(row, this.#blocks, 1, this.#max, temperature, low)
    this.#aside.visit((_, logit) => {
      if (logit < low) below += exp((logit - max) / temperature)
    })
    const band = this.collect(low, high)
    const bandMass = kernel.expInto64(logits, band, max, temperature, masses)
    const uncertain = doubt + TAIL_ERROR * below
    if (below > allowance || below + bandMass < allowance || band === 0) return false

    // Of the band, the most likely are kept: those beyond what may be dropped.
    const target = below + bandMass - allowance
    const cut = cutByWeight(views.logits, views.masses, band, target)
    if (target - cut.before <= uncertain || cut.after - target < uncertain) return false
    let { ties } = cut
    const droppedTies: number[] = []
    for (let i = 0; i < band; i++) {
      if (views.logits[i] === cut.threshold && ties-- <= 0) droppedTies.push(views.ids[i]!)
    }
    this.#aside.visit((id, logit) => {
      if (logit < cut.threshold) this.#aside.delete(id)
    })
    kernel.maskBelow(row, this.#blocks, maxima, float32Above(cut.threshold))
    this.#size = undefined
    this.#findMax()
    for (const id of droppedTies) this.setLogit(id, Number.NEGATIVE_INFINITY)
    return true
  }

  /** A logit between two below which about this mass lies, going by a sample of the blocks. */
  #tailThreshold(mass: number, low: number, high: number, temperature: number): number {
    const { row } = this.#memory
    const stride = Math.max(1, Math.floor(this.#blocks / SAMPLE_BLOCKS))
    const sampled = mass / this.#scale / stride
    while (high - low > PRECISION * temperature) {
      const middle = (low + high) / 2
      const below = kernel.sumBelow(row, this.#blocks, stride, this.#max, temperature, middle)
      if (below > sampled) high = middle
      else low = middle
    }
    return float32Below(low)
  }

  /** A threshold that `count` tokens reach, and not many more; −∞ when no fewer than all would do. */
  thresholdFor(count: number): number {
    // Only where many are wanted may there be too few, and only then is it worth a pass to know.
    if (count > this.#blocks >> 1 && count >= this.size - this.#aside.size) {
      return Number.NEGATIVE_INFINITY
    }
    this.#refresh()
    if (this.#max === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY
    const { row, maxima } = this.#memory
    const threshold = kernel.thresholdForCount(row, this.#blocks, maxima, this.#max, count)
    return threshold > LOWEST ? threshold : Number.NEGATIVE_INFINITY
  }

  /**
   * Ids and logits of the tokens from `threshold` up and below `limit`, with `allAside` those set
   * aside too, whatever they are; ids ascending. How many they are.
   */
  collect(threshold: number, limit = Number.POSITIVE_INFINITY, allAside = false): number {
    this.#refresh()
    const { row, maxima, ids, logits, views } = this.#memory
    const bound = float32Below(threshold)
    const count = kernel.collect(row, this.#blocks, maxima, bound, limit, ids, logits)
    if (this.#aside.size === 0) return count
    const aside = this.#aside.ascending(
      (logit) => allAside || (logit >= threshold && logit < limit),
    )
    return mergeTokens(views, count, aside)
  }
}

const runningOf = reusable()

/** Put tokens among the first `size` entries of the arrays, ids ascending in both; how many there are then. */
export function mergeTokens(
  { ids, logits }: Pick<RowMemory['views'], 'ids' | 'logits'>,
  size: number,
  tokens: Tokens,
): number {
  // From the back, so that what is moved is moved once.
  let from = size - 1
  const merged = size + tokens.ids.length
  for (let to = merged - 1, next = tokens.ids.length - 1; next >= 0; to--) {
    const id = tokens.ids[next]!
    const isMoved = from >= 0 && ids[from]! > id
    ids[to] = isMoved ? ids[from]! : id
    logits[to] = isMoved ? logits[from]! : tokens.logits[next]!
    if (isMoved) from--
    else next--
  }
  return merged
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

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The largest float32 not above a number. */
function float32Below(value: number): number {
  float[0] = value
  if (float[0] > value) bits[0]! += float[0] > 0 ? -1 : 1
  return float[0]
}

/** The smallest float32 not below a number. */
function float32Above(value: number): number {
  return -float32Below(-value)
}
