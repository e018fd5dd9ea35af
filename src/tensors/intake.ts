import { bytesAt, floatsAt, type Region, release, reserve } from '../kernel/arena.ts'
import { BLOCK } from '../kernel/index.ts'
import { TILE, tileRow } from '../kernel/memory.ts'
import { type Dtype, widths } from './dtypes.ts'
import { Elements } from './elements.ts'
import { decoders } from './load.ts'

/**
 * Decodes a tensor into the kernel's memory as its bytes arrive, while they are still in the L1 cache. The rows are
 * then sampled in place.
 */
export class Intake {
  readonly #region: Region
  readonly #dtype: Dtype
  readonly #rows: number
  readonly #vocabSize: number
  /** The distance between the starts of rows, in bytes. */
  readonly #stride: number
  /** The number of bytes decoded so far. */
  #length = 0
  /** The first bytes of an element that the end of a piece cut. */
  #rest = new Uint8Array(0)
  #isReleased = false

  /** Returns undefined if the arena has no room. The caller then keeps the bytes as they arrive. */
  static open(dtype: Dtype, rows: number, vocabSize: number): Intake | undefined {
    const stride = Math.ceil(vocabSize / BLOCK) * BLOCK * 4
    const region = reserve(rows * stride)
    return region && new Intake(region, { dtype, rows, vocabSize, stride })
  }

  private constructor(
    region: Region,
    tensor: { dtype: Dtype; rows: number; vocabSize: number; stride: number },
  ) {
    this.#region = region
    this.#dtype = tensor.dtype
    this.#rows = tensor.rows
    this.#vocabSize = tensor.vocabSize
    this.#stride = tensor.stride
  }

  /** Takes the next bytes. The caller sends no more than the tensor has. */
  push(bytes: Uint8Array): void {
    if (this.#dtype === 'float32') this.#copy(bytes)
    else this.#decode(this.#dtype, bytes)
  }

  #copy(bytes: Uint8Array): void {
    const rowLength = this.#vocabSize * 4
    for (let from = 0; from < bytes.length; ) {
      const row = Math.floor(this.#length / rowLength)
      const at = this.#length - row * rowLength
      const count = Math.min(bytes.length - from, rowLength - at)
      const target = bytesAt(this.#region.offset + row * this.#stride + at, count)
      target.set(bytes.subarray(from, from + count))
      this.#length += count
      from += count
    }
  }

  #decode(dtype: Exclude<Dtype, 'float32'>, bytes: Uint8Array): void {
    const width = widths[dtype]
    const { staging } = tileRow()
    for (let from = 0; from < bytes.length; ) {
      const rest = this.#rest.length
      staging.bytes.set(this.#rest)
      const taken = Math.min(bytes.length - from, TILE * width - rest)
      staging.bytes.set(bytes.subarray(from, from + taken), rest)
      from += taken
      const whole = Math.floor((rest + taken) / width)
      this.#rest = staging.bytes.slice(whole * width, rest + taken)
      this.#place(decoders[dtype], staging.offset, whole, width)
    }
  }

  #place(
    decode: (source: number, count: number, out: number) => void,
    source: number,
    count: number,
    width: number,
  ): void {
    for (let done = 0; done < count; ) {
      const element = this.#length / width
      const row = Math.floor(element / this.#vocabSize)
      const at = element - row * this.#vocabSize
      const here = Math.min(count - done, this.#vocabSize - at)
      decode(source + done * width, here, this.#region.offset + row * this.#stride + at * 4)
      this.#length += here * width
      done += here
    }
  }

  /** The rows. Call this after the last bytes. */
  finish(): Elements[] {
    return Array.from({ length: this.#rows }, (_, row) => {
      const offset = this.#region.offset + row * this.#stride
      floatsAt(offset, this.#stride / 4).fill(Number.NEGATIVE_INFINITY, this.#vocabSize)
      return Elements.inKernel(offset, this.#vocabSize)
    })
  }

  /** Frees the rows. Call this after their last use. */
  release(): void {
    if (!this.#isReleased) release(this.#region)
    this.#isReleased = true
  }
}
