import { bytesAt } from '../kernel/arena.ts'
import { bytesOf } from './bytes.ts'

/** Bytes an element of each dtype takes. */
export const widths = { float32: 4, float64: 8, float16: 2, bfloat16: 2 } as const

export type Dtype = keyof typeof widths
export const dtypes = Object.keys(widths) as [Dtype, ...Dtype[]]

/**
 * Numbers as they came: little-endian elements of one dtype, in pieces that may be cut anywhere, even
 * within an element. They are put together and decoded only where they are worked on, in the kernel's
 * memory, so that a tensor is never copied as a whole.
 */
export class Elements {
  readonly dtype: Dtype
  readonly length: number
  /** In a list of JSON, the first item that is no number; there are no elements from there on. */
  readonly fault: { readonly index: number; readonly value: unknown } | undefined
  /** Float32 among float64 are widened only where they are read. */
  readonly #pieces: readonly (Uint8Array | Float32Array)[]
  /** Where they lie in the kernel's memory, as float32 and with −∞ after them up to the end of the block. */
  readonly offset: number | undefined
  /** Where the piece that was read last is, and its first byte: reading mostly goes on from there. */
  #piece = 0
  #pieceStart = 0

  constructor(
    dtype: Dtype,
    pieces: readonly (Uint8Array | Float32Array)[],
    length: number,
    fault?: Elements['fault'],
    offset?: number,
  ) {
    this.offset = offset
    this.dtype = dtype
    this.length = length
    this.fault = fault
    this.#pieces = pieces
  }

  static of(
    values: Float32Array | Float64Array,
    length = values.length,
    fault?: Elements['fault'],
  ): Elements {
    const dtype = values instanceof Float32Array ? 'float32' : 'float64'
    return new Elements(dtype, [bytesOf(values)], length, fault)
  }

  /** Float32 that are where they are worked on. */
  static inKernel(offset: number, length: number): Elements {
    return new Elements('float32', [], length, undefined, offset)
  }

  /** Copy the bytes of `count` elements from the element `start` on. */
  copy(start: number, count: number, target: Uint8Array): void {
    let written = 0
    this.#visit(start, count, (piece) => {
      target.set(piece, written)
      written += piece.length
    })
  }

  /** Some of the elements, without a copy. */
  slice(start: number, count: number): Elements {
    const pieces: Uint8Array[] = []
    this.#visit(start, count, (piece) => pieces.push(piece))
    return new Elements(this.dtype, pieces, count)
  }

  #visit(start: number, count: number, visit: (piece: Uint8Array) => void): void {
    const width = widths[this.dtype]
    let from = start * width
    const end = from + count * width
    if (this.offset !== undefined) {
      visit(bytesAt(this.offset + from, end - from))
      return
    }
    if (from < this.#pieceStart) {
      this.#piece = 0
      this.#pieceStart = 0
    }
    while (from < end) {
      const given = this.#pieces[this.#piece]!
      const isNarrow = given instanceof Float32Array
      const pieceEnd = this.#pieceStart + given.length * (isNarrow ? width : 1)
      if (from < pieceEnd) {
        const piece = isNarrow ? bytesOf(new Float64Array(given)) : given
        const last = Math.min(end, pieceEnd)
        visit(piece.subarray(from - this.#pieceStart, last - this.#pieceStart))
        from = last
      }
      if (from < end) {
        this.#pieceStart = pieceEnd
        this.#piece++
      }
    }
  }

  /** All of them in float64, for what wants numbers rather than a row. */
  toFloat64(): Float64Array {
    const count = this.fault?.index ?? this.length
    const bytes = new Uint8Array(count * widths[this.dtype])
    this.copy(0, count, bytes)
    return this.dtype === 'float64'
      ? new Float64Array(bytes.buffer)
      : new Float64Array(new Float32Array(bytes.buffer))
  }
}
