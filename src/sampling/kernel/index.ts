import { readFileSync } from 'node:fs'

/** Byte offset into the kernel's memory. */
export type Offset = number

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
  decodeFloat16(source: Offset, count: number, out: Offset): void
  decodeBfloat16(source: Offset, count: number, out: Offset): void
  decodeFloat64(source: Offset, count: number, out: Offset): void
  findNotLogit(row: Offset, count: number): number
  parseNumbers(
    at: Offset,
    end: Offset,
    out: Offset,
    capacity: number,
    beforeElement: boolean,
  ): number
  readonly parsedTo: Result
  readonly tokenEnd: Result
  readonly stopReason: Result
  readonly expectsElement: Result
  readonly exactFloat32: Result
  readonly STOP_NEEDS_MORE: Result
  readonly STOP_HARD: Result
  exp(x: number): number
  log(x: number): number
  pow(x: number, y: number): number
}

export const memory = new WebAssembly.Memory({ initial: 1 })

const module = new WebAssembly.Module(readFileSync(new URL('kernel.wasm', import.meta.url)))

export const kernel = new WebAssembly.Instance(module, { env: { memory } })
  .exports as unknown as Kernel

/** The only exponential, logarithm and power of the sampling room: the host's differ between machines. */
export const { exp, log, pow } = kernel

export const BLOCK = kernel.BLOCK.value
