import { readFileSync } from 'node:fs'

/** Byte offset into the kernel's memory. */
export type Offset = number

/** A WebAssembly global. Read it before the next call, which may change it. */
interface Result {
  readonly value: number
}

/**
 * The exports of `assembly/`. A row is `blocks` times `BLOCK` float32 logits at a 16-byte aligned offset, padded
 * with −∞. `maxima` has `blocks` float32, and `sums` has `blocks` float64. `max` is the row's maximum and is finite;
 * `temperature` is above 0. Nothing allocates, and results depend only on the arguments.
 */
interface Kernel {
  readonly BLOCK: Result
  readonly heapBase: Result
  /** Returns the row's maximum, and writes the block maxima to `maxima`. */
  scan(row: Offset, blocks: number, maxima: Offset): number
  /** The sum of the entries, after `scan`. If it is below Infinity, no entry is NaN or +Infinity. */
  readonly scanSum: Result
  /** The lowest id whose logit is `max`. */
  indexOfMax(row: Offset, blocks: number, maxima: Offset, max: number): number
  /** Returns Σ e^d with d = (logit − max) / temperature, and writes the sum of each block to `sums`. */
  sumExp(row: Offset, blocks: number, max: number, temperature: number, sums: Offset): number
  /** `sumExp`, with the same bits. Also puts Σ d e^d into `weightedSum`. */
  sumExpWeighted(
    row: Offset,
    blocks: number,
    max: number,
    temperature: number,
    sums: Offset,
  ): number
  readonly weightedSum: Result
  /** Returns Σ e^d over the entries below `threshold` in every `stride`-th block. */
  sumBelow(
    row: Offset,
    blocks: number,
    stride: number,
    max: number,
    temperature: number,
    threshold: number,
  ): number
  /** Writes exp((values[i] − max) / temperature) to out[i], in float64, and returns their sum, added in order. No value may exceed `max`. */
  expInto64(values: Offset, n: number, max: number, temperature: number, out: Offset): number
  /** Writes ids (uint32, ascending) and logits (float64) of the entries with `threshold` ≤ logit < `limit`. Returns their number. Both outputs need room for 4 entries more. */
  collect(
    row: Offset,
    blocks: number,
    maxima: Offset,
    threshold: number,
    limit: number,
    ids: Offset,
    values: Offset,
  ): number
  /** The number of entries at or above `threshold`. Entries at −∞ never count. */
  countAtLeast(row: Offset, blocks: number, maxima: Offset, threshold: number): number
  /** A threshold at or slightly below the k-th largest logit. At least min(k, unmasked) entries reach it. */
  thresholdForCount(row: Offset, blocks: number, maxima: Offset, max: number, k: number): number
  /** Masks the entries below `threshold` and updates the block maxima. */
  maskBelow(row: Offset, blocks: number, maxima: Offset, threshold: number): void
  /** Sets the three globals below: the number of entries above −∞, the mean of logit − max, and the sum of squared deviations from it. */
  moments(row: Offset, blocks: number, max: number): void
  readonly momentCount: Result
  readonly momentMean: Result
  readonly momentSquares: Result
  /** Writes uniform numbers to `out`, four for each block; see `philox.ts`. */
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
   * Decodes `count` little-endian elements, at any alignment, to float32, rounded to the nearest, ties to even. `out` is
   * 16-byte aligned and does not overlap the source. Nothing past the last element is read or written.
   */
  decodeFloat16(source: Offset, count: number, out: Offset): void
  decodeBfloat16(source: Offset, count: number, out: Offset): void
  decodeFloat64(source: Offset, count: number, out: Offset): void
  /** The index of the first of `count` entries that is NaN or +Infinity; −1 if there is none. */
  findNotLogit(row: Offset, count: number): number
  /**
   * Reads numbers of a JSON array, with commas and white space between them, from the UTF-8 bytes between `at` and `end`.
   * Writes at most `capacity` float64 to `out` and returns their number. They equal JSON.parse's bit for bit. The string
   * "-Infinity" is a number, too. With `beforeElement` the text must begin with an element, otherwise with a comma.
   *
   * To resume, call it again at `parsedTo` with `expectsElement` as `beforeElement`. It takes time in proportion to the
   * bytes. A number that `end` cuts off is read again from its start.
   */
  parseNumbers(
    at: Offset,
    end: Offset,
    out: Offset,
    capacity: number,
    beforeElement: boolean,
  ): number
  /** Why `parseNumbers` stopped: one of `Stop`. */
  readonly stopReason: Result
  readonly STOP_NEEDS_MORE: Result
  readonly STOP_FULL: Result
  readonly STOP_OTHER: Result
  readonly STOP_MALFORMED: Result
  readonly STOP_HARD: Result
  /** Where `parseNumbers` stopped; `Stop` describes the place. */
  readonly parsedTo: Result
  /** With `Stop.hard`: the end of the number that begins at `parsedTo`. */
  readonly tokenEnd: Result
  /** 1 if an element must come next: after a comma, or at the start of the array. 0 if a comma or the end of the array must. */
  readonly expectsElement: Result
  /** The offset of the last comma, if this call read it without an element after it; otherwise 0. */
  readonly pendingComma: Result
  /** Writes `count` float64 as float32 to `out`. Returns 1 if this changed no number, else 0. Infinities and −0 do not change. */
  narrow(source: Offset, count: number, out: Offset): number
  exp(x: number): number
  log(x: number): number
  pow(x: number, y: number): number
}

export const memory = new WebAssembly.Memory({ initial: 1 })

const module = new WebAssembly.Module(readFileSync(new URL('kernel.wasm', import.meta.url)))

export const kernel = new WebAssembly.Instance(module, { env: { memory } })
  .exports as unknown as Kernel

/** The only exponential, logarithm and power that sampling uses, because the host's differ between machines. */
export const { exp, log, pow } = kernel

/** ln(1 + x), also precise for small x. */
export function log1p(x: number): number {
  const sum = 1 + x
  // The quotient cancels the rounding error of the sum (Kahan).
  return sum === 1 ? x : (log(sum) * x) / (sum - 1)
}

export const BLOCK = kernel.BLOCK.value

/** Why `parseNumbers` stopped. */
export const Stop = {
  /** At `end`, or at the start of a token that `end` may cut off, such as a number that reaches `end`. */
  needsMore: kernel.STOP_NEEDS_MORE.value,
  /** After the last element that `capacity` allows. */
  full: kernel.STOP_FULL.value,
  /** At a byte that begins neither a number nor `"-Infinity"`; or, after an element, at a byte that is no comma. */
  other: kernel.STOP_OTHER.value,
  /** At the start of a token that begins like a number but is none, or that is followed by a byte that cannot follow one. */
  malformed: kernel.STOP_MALFORMED.value,
  /** At the start of a number that the host must round: it has more than 19 digits, or is far outside float32's range. */
  hard: kernel.STOP_HARD.value,
} as const
