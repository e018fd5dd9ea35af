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
  /** The row's maximum, and block maxima to `maxima`. */
  scan(row: Offset, blocks: number, maxima: Offset): number
  /** After `scan`: below Infinity only if no entry is NaN or +Infinity. */
  readonly scanSum: Result
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
  /**
   * `count` little-endian elements, at any alignment, as float32 to `out`, which is 16-byte aligned and apart
   * from the source: rounded to the nearest, ties to even. Nothing past the last element is read or written.
   */
  decodeFloat16(source: Offset, count: number, out: Offset): void
  decodeBfloat16(source: Offset, count: number, out: Offset): void
  decodeFloat64(source: Offset, count: number, out: Offset): void
  /** The index of the first of a row's `count` entries that is NaN or +Infinity; −1 if none is. */
  findNotLogit(row: Offset, count: number): number
  /**
   * Numbers of a JSON array, and the commas and white space between them, from the UTF-8 bytes from `at` up to
   * `end`: at most `capacity`, as float64 to `out`; returns how many. They are JSON.parse's, bit for bit; the
   * string "-Infinity" is one, too. With `beforeElement` an element is what must come first, else a comma.
   *
   * Where it stops it can be resumed, at `parsedTo` with `expectsElement` as `beforeElement`. It takes time
   * in proportion to the bytes; those of a number cut off by `end` are read again once there are more.
   */
  parseNumbers(
    at: Offset,
    end: Offset,
    out: Offset,
    capacity: number,
    beforeElement: boolean,
  ): number
  /** Why it stopped: one of `Stop`. */
  readonly stopReason: Result
  readonly STOP_NEEDS_MORE: Result
  readonly STOP_FULL: Result
  readonly STOP_OTHER: Result
  readonly STOP_MALFORMED: Result
  readonly STOP_HARD: Result
  /** Where it stopped, of which `Stop` says more. */
  readonly parsedTo: Result
  /** With `Stop.hard`, where the number from `parsedTo` on ends. */
  readonly tokenEnd: Result
  /** 1 if an element must come next, after a comma or at the very beginning; 0 if a comma or the array's end. */
  readonly expectsElement: Result
  /** Where the comma is that this call has read and whose element has not come; 0 if there is none. */
  readonly pendingComma: Result
  /** `count` float64 as float32 to `out`; 1 if all of them are exactly float32, as infinities and −0 are, else 0. */
  narrow(source: Offset, count: number, out: Offset): number
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

/** ln(1 + x), precise also where x is small. */
export function log1p(x: number): number {
  const sum = 1 + x
  // What rounding has made of x divides out again.
  return sum === 1 ? x : (log(sum) * x) / (sum - 1)
}

export const BLOCK = kernel.BLOCK.value

/** Why `parseNumbers` stopped. */
export const Stop = {
  /** At `end`, or at the start of a token that `end` may cut off. A number that touches it is one. */
  needsMore: kernel.STOP_NEEDS_MORE.value,
  /** Behind the last element there is room for. */
  full: kernel.STOP_FULL.value,
  /** At a byte that no number begins with, nor `"-Infinity"`; or, behind an element, that is no comma. */
  other: kernel.STOP_OTHER.value,
  /** At the start of something that begins like a number and is none, or that runs into what cannot follow one. */
  malformed: kernel.STOP_MALFORMED.value,
  /** At the start of a number that the host must round: one of more than 19 digits, or far from float32's range. */
  hard: kernel.STOP_HARD.value,
} as const
