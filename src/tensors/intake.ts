import { bytesAt, floatsAt, type Region, release, reserve } from '../kernel/arena.ts'
import { BLOCK } from '../kernel/index.ts'
import { CORNER, cornerRow } from '../kernel/memory.ts'
import { type Dtype, Elements, widths } from './elements.ts'
import { decoders } from './load.ts'

/**
 * A tensor that is decoded into the kernel's memory as its bytes arrive, while they are still in the
 * nearest cache, and lies there as rows that can be worked on in place.
 */
export class Intake {
  readonly #region: Region
  readonly #dtype: Dtype
  readonly #rows: number
  readonly #vocabSize: number
  /** From a row to the next, in bytes. */
  readonly #stride: number
  /** How many bytes have come. */
  #length = 0
  /** The beginning of an element that was cut. */
  #rest = new Uint8Array(0)
  #isReleased = false

  /** None where there is no room, and the bytes have to be kept as they come. */
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

  /** The next bytes, no more than the tensor has. */
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
    const { staging } = cornerRow()
    for (let from = 0; from < bytes.length; ) {
      const rest = this.#rest.length
      staging.bytes.set(this.#rest)
      const taken = Math.min(bytes.length - from, CORNER * width - rest)
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

  /** The rows, when all bytes have come. */
  finish(): Elements[] {
    return Array.from({ length: this.#rows }, (_, row) => {
      const offset = this.#region.offset + row * this.#stride
      floatsAt(offset, this.#stride / 4).fill(Number.NEGATIVE_INFINITY, this.#vocabSize)
      return Elements.inKernel(offset, this.#vocabSize)
    })
  }

  /** When nothing is read of the rows any more. */
  release(): void {
    if (!this.#isReleased) release(this.#region)
    this.#isReleased = true
  }
}
