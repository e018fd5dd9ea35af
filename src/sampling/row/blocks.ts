import { BLOCK, kernel } from '../../kernel/index.ts'
import { type RowMemory, rowAt } from '../../kernel/memory.ts'
import type { Elements } from '../../tensors/elements.ts'
import { loadRow, scanRow } from '../../tensors/load.ts'
import { Aside } from './aside.ts'
import { mergeTokens, type Tokens } from './tokens.ts'

/** If more than one in 2^RESCAN blocks has a stale maximum, one pass over the row computes all maxima again. */
const RESCAN = 4

/** The most negative finite float32. */
const LOWEST = -3.4028234663852886e38

/**
 * A row as blocks of float32 logits in the kernel's memory, each block with its maximum. A token whose logit is
 * changed is set aside in float64, and its place in the row is masked, so that no change is rounded.
 */
export class Blocks {
  #own: RowMemory
  /** The memory in use: `#own`, or `#own` with its row at the place where the logits already lie. */
  memory: RowMemory
  blocks = 0
  /** The maximum of the row, without the tokens set aside. */
  rowMax = Number.NEGATIVE_INFINITY
  readonly aside = new Aside()
  /**
   * The largest logit, with the tokens set aside, and the number of tokens in play; undefined until they are needed.
   */
  #max: number | undefined
  #count: number | undefined
  /** Blocks whose stored maximum may be too large, and whether `rowMax` may be too large. */
  #stale: number[] = []
  #isMaxStale = false

  constructor(memory: RowMemory) {
    this.#own = memory
    this.memory = memory
  }

  attach(memory: RowMemory): void {
    this.#own = memory
    this.memory = memory
  }

  /** With `mayChange`, logits that already lie in the kernel's memory are changed in place. */
  load(logits: Elements, mayChange: boolean): void {
    const isHere = mayChange && logits.offset !== undefined
    this.memory = isHere ? rowAt(logits.offset, logits.length, this.#own) : this.#own
    const { blocks, max } = isHere
      ? scanRow(this.memory, logits.length)
      : loadRow(logits, this.#own)
    this.blocks = blocks
    this.aside.clear()
    this.#changed()
    this.#setRowMax(max)
  }

  #changed(): void {
    this.#max = undefined
    this.#count = undefined
  }

  /** Call this after a pass over the whole row. */
  #setRowMax(max: number): void {
    this.rowMax = max
    this.#isMaxStale = false
    this.#stale.length = 0
  }

  /** Updates the maxima after tokens were masked one by one. */
  refresh(): void {
    const { row, maxima, views } = this.memory
    if (this.#stale.length > this.blocks >> RESCAN) {
      this.#setRowMax(kernel.scan(row, this.blocks, maxima))
      return
    }
    for (const block of this.#stale) {
      const end = (block + 1) * BLOCK
      let max = Number.NEGATIVE_INFINITY
      for (let i = block * BLOCK; i < end; i++) if (views.row[i]! > max) max = views.row[i]!
      views.maxima[block] = max
    }
    this.#stale.length = 0
    if (this.#isMaxStale) this.#findRowMax()
  }

  /** The number of tokens in play. */
  count(): number {
    if (this.#count === undefined) {
      this.refresh()
      const { row, maxima } = this.memory
      const lowest = Number.NEGATIVE_INFINITY
      this.#count = kernel.countAtLeast(row, this.blocks, maxima, lowest) + this.aside.size
    }
    return this.#count
  }

  max(): number {
    if (this.#max === undefined) {
      this.refresh()
      this.#max = this.aside.size === 0 ? this.rowMax : Math.max(this.rowMax, this.aside.max())
    }
    return this.#max
  }

  mostLikely(): number {
    const { row, maxima } = this.memory
    const max = this.max()
    let best = max === this.rowMax ? kernel.indexOfMax(row, this.blocks, maxima, max) : -1
    this.aside.visit((id, logit) => {
      if (logit === max && (best < 0 || id < best)) best = id
    })
    return best
  }

  logitOf(id: number): number {
    return this.aside.get(id) ?? this.memory.views.row[id]!
  }

  setLogit(id: number, logit: number): void {
    this.#max = undefined
    if (!this.aside.has(id)) this.#mask(id)
    if (logit > Number.NEGATIVE_INFINITY) {
      this.aside.set(id, logit)
    } else {
      this.aside.delete(id)
      if (this.#count !== undefined) this.#count--
    }
  }

  putBack({ ids, logits }: Tokens): void {
    for (let i = 0; i < ids.length; i++) this.aside.set(ids[i]!, logits[i]!)
    this.#changed()
  }

  /** Takes tokens out of play. Some of them may be out of play already. */
  remove(ids: Uint32Array): void {
    const { row, maxima, views } = this.memory
    for (let i = 0; i < ids.length; i++) {
      if (!this.aside.delete(ids[i]!)) views.row[ids[i]!] = Number.NEGATIVE_INFINITY
    }
    this.#changed()
    this.#setRowMax(kernel.scan(row, this.blocks, maxima))
  }

  #mask(id: number): void {
    const { row, maxima } = this.memory.views
    const block = Math.floor(id / BLOCK)
    const logit = row[id]!
    row[id] = Number.NEGATIVE_INFINITY
    if (logit < maxima[block]!) return
    if (this.#stale.length <= this.blocks >> RESCAN) this.#stale.push(block)
    if (logit === this.rowMax) this.#isMaxStale = true
  }

  #findRowMax(): void {
    const { maxima } = this.memory.views
    let max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < this.blocks; i++) if (maxima[i]! > max) max = maxima[i]!
    this.rowMax = max
    this.#isMaxStale = false
  }

  keepBits(words: Int32Array): void {
    const { row, maxima, views } = this.memory
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
    this.aside.visit((id) => {
      if (((words[id >>> 5]! >>> (id & 31)) & 1) === 0) this.aside.delete(id)
    })
    this.#changed()
    this.#setRowMax(kernel.scan(row, this.blocks, maxima))
  }

  /** Takes the tokens below a threshold out of play. */
  maskBelow(threshold: number): void {
    const { row, maxima } = this.memory
    this.aside.visit((id, logit) => {
      if (logit < threshold) this.aside.delete(id)
    })
    kernel.maskBelow(row, this.blocks, maxima, float32Above(threshold))
    this.#changed()
    this.#findRowMax()
  }

  thresholdFor(count: number): number {
    // Counting takes a pass over the row, so count only if many tokens are wanted.
    if (count > this.blocks >> 1 && count >= this.count() - this.aside.size) {
      return Number.NEGATIVE_INFINITY
    }
    this.refresh()
    if (this.rowMax === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY
    const { row, maxima } = this.memory
    const threshold = kernel.thresholdForCount(row, this.blocks, maxima, this.rowMax, count)
    return threshold > LOWEST ? threshold : Number.NEGATIVE_INFINITY
  }

  /**
   * Collects the ids and logits of the tokens with `threshold` ≤ logit < `limit`, ids ascending. With `allAside` it
   * also collects every token set aside, whatever its logit. Returns the number of tokens.
   */
  collect(threshold: number, limit = Number.POSITIVE_INFINITY, allAside = false): number {
    this.refresh()
    const { row, maxima, ids, logits, views } = this.memory
    const bound = float32Below(threshold)
    const count = kernel.collect(row, this.blocks, maxima, bound, limit, ids, logits)
    if (this.aside.size === 0) return count
    const aside = this.aside.ascending((logit) => allAside || (logit >= threshold && logit < limit))
    return mergeTokens(views, count, aside)
  }
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The largest float32 not above a number. */
export function float32Below(value: number): number {
  float[0] = value
  if (float[0] > value) bits[0]! += float[0] > 0 ? -1 : 1
  return float[0]
}

/** The smallest float32 not below a number. */
function float32Above(value: number): number {
  return -float32Below(-value)
}
