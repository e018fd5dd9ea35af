import { bytesAt } from '../kernel/arena.ts'
import { bytesOf } from './bytes.ts'
import { type Dtype, widths } from './dtypes.ts'
import type { Source } from './source.ts'

/**
 * Numbers as they arrived: little-endian elements of one dtype, in pieces that may end anywhere, even within an
 * element. They are joined and decoded when a row is loaded into the kernel's memory, so that a tensor is never
 * copied as a whole.
 */
export class Elements {
  readonly dtype: Dtype
  readonly length: number
  /** A Float32Array among float64 elements is widened when it is read. */
  readonly #pieces: readonly (Uint8Array | Float32Array)[]
  /**
   * The offset of the elements, if they lie in the kernel's memory as float32, padded with −∞ to the end of the
   * block; otherwise undefined.
   */
  readonly offset: number | undefined
  /** The source of the elements and the position of their first byte, if the elements are read from one. */
  #stored: { readonly source: Source; readonly from: number } | undefined
  /** The piece that was read last and the position of its first byte. The next read usually continues there. */
  #piece = 0
  #pieceStart = 0

  constructor(
    dtype: Dtype,
    pieces: readonly (Uint8Array | Float32Array)[],
    length: number,
    offset?: number,
  ) {
    this.offset = offset
    this.dtype = dtype
    this.length = length
    this.#pieces = pieces
  }

  static of(values: Float32Array | Float64Array): Elements {
    const dtype = values instanceof Float32Array ? 'float32' : 'float64'
    return new Elements(dtype, [bytesOf(values)], values.length)
  }

  /** A float32 row that is already in the kernel's memory. */
  static inKernel(offset: number, length: number): Elements {
    return new Elements('float32', [], length, offset)
  }

  /** Elements that are read from a source, each time they are loaded. The first one begins at byte `from`. */
  static stored(dtype: Dtype, source: Source, from: number, length: number): Elements {
    const elements = new Elements(dtype, [], length)
    elements.#stored = { source, from }
    return elements
  }

  /** Copies the bytes of `count` elements, from element `start` on. */
  copy(start: number, count: number, target: Uint8Array): void {
    if (this.#stored) {
      const { source, from } = this.#stored
      const width = widths[this.dtype]
      source.read(from + start * width, target.subarray(0, count * width))
      return
    }
    let written = 0
    this.#visit(start, count, (piece) => {
      target.set(piece, written)
      written += piece.length
    })
  }

  /** `count` elements from `start` on, without a copy. */
  slice(start: number, count: number): Elements {
    if (this.#stored) {
      const { source, from } = this.#stored
      return Elements.stored(this.dtype, source, from + start * widths[this.dtype], count)
    }
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

  /** All elements as float64, for lists that are not rows of logits. */
  toFloat64(): Float64Array {
    const bytes = new Uint8Array(this.length * widths[this.dtype])
    this.copy(0, this.length, bytes)
    return this.dtype === 'float64'
      ? new Float64Array(bytes.buffer)
      : new Float64Array(new Float32Array(bytes.buffer))
  }
}
