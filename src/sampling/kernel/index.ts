import { readFileSync } from 'node:fs'

/** Byte offset into the kernel's memory. */
type Offset = number

/** A wasm global: read it before the next call. */
interface Result {
  readonly value: number
}

/**
 * What `assembly/` compiles to. A row is `blocks` times `BLOCK` float32 logits at a 16-byte aligned
 * offset, padded with −∞; `maxima` holds `blocks` float32, `sums` as many float64. `max` is the row's
 * maximum, finite, and `temperature` above 0. Nothing here allocates, and no result depends on
 * anything but the arguments.
 */
interface Kernel {
  readonly BLOCK: Result
  readonly heapBase: Result
  /** The row's maximum, and block maxima to `maxima`. No entry is NaN: decoders see to that. */
  scan(row: Offset, blocks: number, maxima: Offset): number
  /** The lowest id at the maximum. */
  indexOfMax(row: Offset, blocks: number, maxima: Offset, max: number): number
  /** Σ e^d with d = (logit − max) / temperature, and one float64 for each block to `sums`. */
  sumExp(row: Offset, blocks: number, max: number, temperature: number, sums: Offset): number
  /** The same bits, and Σ d e^d in `weightedSum`. */
  sumExpWeighted(
    row: Offset,
    blocks: number,
    max: number,
    temperature: number,
    sums: Offset,
  ): number
  readonly weightedSum: Result
  /** Σ e^d over the entries below `threshold` of every `stride`-th block. */
  sumBelow(
    row: Offset,
    blocks: number,
    stride: number,
    max: number,
    temperature: number,
    threshold: number,
  ): number
  /** out[i] = exp((values[i] − max) / temperature) in float64, for values up to max; the sum, in order. */
  expInto64(values: Offset, n: number, max: number, temperature: number, out: Offset): number
  /** Ids (uint32) and logits (float64) from `threshold` up to below `limit`, ids ascending; both want room for 4 more. */
  collect(
    row: Offset,
    blocks: number,
    maxima: Offset,
    threshold: number,
    limit: number,
    ids: Offset,
    values: Offset,
  ): number
  /** How many entries there are from `threshold` up; those at −∞ never count. */
  countAtLeast(row: Offset, blocks: number, maxima: Offset, threshold: number): number
  /** A threshold that at least min(k, unmasked) entries reach, at or close below the k-th largest. */
  thresholdForCount(row: Offset, blocks: number, maxima: Offset, max: number, k: number): number
  /** Mask the entries below `threshold`; block maxima follow. */
  maskBelow(row: Offset, blocks: number, maxima: Offset, threshold: number): void
  /** Count of entries above −∞, the mean of logit − max, and the sum of squared deviations from it. */
  moments(row: Offset, blocks: number, max: number): void
  readonly momentCount: Result
  readonly momentMean: Result
  readonly momentSquares: Result
  /** Uniform numbers to `out`, four a block; see `philox.ts`. */
  philox(
    seed: bigint,
    stream: bigint,
    step: bigint,
    purpose: bigint,
    first: number,
    blocks: number,
    out: Offset,
  ): void
  exp(x: number): number
  log(x: number): number
  pow(x: number, y: number): number
}

const PAGE = 65_536

export const memory = new WebAssembly.Memory({ initial: 1 })

const module = new WebAssembly.Module(readFileSync(new URL('kernel.wasm', import.meta.url)))

export const kernel = new WebAssembly.Instance(module, { env: { memory } })
  .exports as unknown as Kernel

/** The only exponential, logarithm and power of the sampling room: the host's differ between machines. */
export const { exp, log, pow } = kernel

export const BLOCK = kernel.BLOCK.value

/** Room for a few results at a time, below the rows. */
export const SCRATCH_ENTRIES = 2048
const scratchOffset = (kernel.heapBase.value + 63) & ~63
const scratchMaxima = scratchOffset + SCRATCH_ENTRIES * 8
const rowsFrom = scratchMaxima + ((SCRATCH_ENTRIES * 2) / BLOCK) * 4

/**
 * The largest of some logits, and the part of them that it is first in. They pass through a corner of
 * the kernel's memory that stays in the nearest cache, which a whole row does not.
 */
export function scanInPassing(logits: Float32Array): { max: number; start: number } {
  const length = SCRATCH_ENTRIES * 2
  const part = new Float32Array(memory.buffer, scratchOffset, length)
  let max = Number.NEGATIVE_INFINITY
  let first = 0
  for (let start = 0; start < logits.length; start += length) {
    const given = logits.subarray(start, start + length)
    part.set(given)
    const blocks = Math.ceil(given.length / BLOCK)
    part.fill(Number.NEGATIVE_INFINITY, given.length, blocks * BLOCK)
    const largest = kernel.scan(scratchOffset, blocks, scratchMaxima)
    if (largest > max) {
      max = largest
      first = start
    }
  }
  return { max, start: first }
}

/** float64 results that a call to the kernel leaves in its memory; copy them before the next. */
export function collectScratch(count: number, fill: (out: Offset) => void): Float64Array {
  fill(scratchOffset)
  return new Float64Array(memory.buffer, scratchOffset, count)
}

/** Where a row's arrays lie, and views of them. */
export interface RowMemory {
  readonly blocks: number
  readonly row: Offset
  readonly maxima: Offset
  readonly sums: Offset
  readonly ids: Offset
  readonly logits: Offset
  readonly masses: Offset
  readonly views: {
    readonly row: Float32Array
    readonly maxima: Float32Array
    readonly sums: Float64Array
    readonly ids: Uint32Array
    readonly logits: Float64Array
    readonly masses: Float64Array
  }
}

/** `collect` stores whole vectors, up to four entries past its last. */
const SLACK = 4

/**
 * Memory for some rows of up to `capacity` entries, from the bottom up. It takes the place of what was
 * laid out before: growing detaches every view, so rows are laid out together.
 */
export function layOut(rows: number, capacity: number): RowMemory[] {
  const blocks = Math.ceil(capacity / BLOCK)
  const entries = blocks * BLOCK
  let end = rowsFrom
  const take = (bytes: number) => {
    const start = (end + 63) & ~63
    end = start + bytes
    return start
  }
  const offsets = Array.from({ length: rows }, () => ({
    row: take(entries * 4),
    maxima: take(blocks * 4),
    sums: take(blocks * 8),
    ids: take((entries + SLACK) * 4),
    logits: take((entries + SLACK) * 8),
    masses: take(entries * 8),
  }))
  const missing = end - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE))
  const { buffer } = memory
  return offsets.map((at) => ({
    ...at,
    blocks,
    views: {
      row: new Float32Array(buffer, at.row, entries),
      maxima: new Float32Array(buffer, at.maxima, blocks),
      sums: new Float64Array(buffer, at.sums, blocks),
      ids: new Uint32Array(buffer, at.ids, entries),
      logits: new Float64Array(buffer, at.logits, entries),
      masses: new Float64Array(buffer, at.masses, entries),
    },
  }))
}
