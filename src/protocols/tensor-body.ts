import type { Batch } from '../fields/batch.ts'
import { byteLengthOf, readShape, toBatch } from '../fields/tensor.ts'
import { type Dtype, widths } from '../tensors/dtypes.ts'
import { Intake } from '../tensors/intake.ts'
import { ByteQueue } from './byte-queue.ts'

/** Throws a problem that names the tensor. */
type Fault = (message: string) => never

/**
 * Reads a tensor of logits as its bytes arrive. If its shape is known and the arena has room, the bytes are
 * decoded into the arena at once; otherwise they are kept as they are.
 */
export class TensorBody {
  readonly #dtype: Dtype
  readonly #shape: readonly number[] | undefined
  readonly #expected: number
  readonly #intake: Intake | undefined
  readonly #queue = new ByteQueue()
  readonly #fault: Fault
  #length = 0

  /** Without a given shape the body is one row. Its length is the announced one, or else the number of bytes that arrive. */
  constructor(
    dtype: Dtype,
    given: readonly number[] | undefined,
    announced: number | undefined,
    fault: Fault,
  ) {
    const count = (announced ?? 0) / widths[dtype]
    const shape = given ?? (Number.isInteger(count) && count > 0 ? [count] : undefined)
    this.#dtype = dtype
    this.#shape = shape
    this.#fault = fault
    this.#expected = shape ? byteLengthOf(dtype, shape) : Number.POSITIVE_INFINITY
    if (!shape) return
    // A wrong length is refused before the body is read.
    if (announced !== undefined && announced !== this.#expected) {
      fault(`${this.#expectation}, got ${announced}`)
    }
    const { rows, vocabSize } = readShape(shape, fault)
    this.#intake = Intake.open(dtype, rows, vocabSize)
  }

  /** Returns true if the tensor keeps no reference to the piece. */
  push(piece: Uint8Array): boolean {
    this.#length += piece.length
    if (this.#length > this.#expected) this.#fault(`${this.#expectation}, got more`)
    if (!this.#intake) return this.#queue.push(piece)
    this.#intake.push(piece)
    return true
  }

  get #expectation(): string {
    return `Shape [${this.#shape}] of ${this.#dtype} takes ${this.#expected} bytes`
  }

  finish(): Batch {
    const width = widths[this.#dtype]
    if (this.#length === 0 || this.#length % width > 0) {
      this.#fault(`Expected elements of ${width} bytes, got ${this.#length} bytes`)
    }
    const shape = this.#shape ?? [this.#length / width]
    if (!this.#intake) return toBatch(this.#dtype, shape, this.#queue.finish(), this.#fault)
    if (this.#length < this.#expected) this.#fault(`${this.#expectation}, got ${this.#length}`)
    return {
      rows: this.#intake.finish(),
      vocabSize: shape.at(-1)!,
      isBatch: shape.length === 2,
      pathOf: () => [],
    }
  }

  /** Frees the bytes. Call this after their last use. */
  release(): void {
    this.#intake?.release()
    this.#queue.release()
  }
}
