import type { Batch } from '../fields/batch.ts'
import { readShape, toBatch } from '../fields/tensor.ts'
import { type Dtype, widths } from '../tensors/elements.ts'
import { Intake } from '../tensors/intake.ts'
import { ByteQueue } from './byte-queue.ts'

/** What a tensor wants to be told of when something is wrong with it. */
type Fault = (message: string) => never

/**
 * The bytes of a tensor of logits as they arrive: decoded into the kernel's memory at once where its
 * shape is known and there is room, else kept as they are.
 */
export class TensorBody {
  readonly #dtype: Dtype
  readonly #shape: readonly number[] | undefined
  readonly #expected: number
  readonly #intake: Intake | undefined
  readonly #queue = new ByteQueue()
  readonly #fault: Fault
  #length = 0

  /** Without a shape it is one row, of whatever length is announced, if any is, or comes. */
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
    this.#expected = shape?.reduce((a, b) => a * b, widths[dtype]) ?? Number.POSITIVE_INFINITY
    if (!shape) return
    // Known before any of it has come.
    if (announced !== undefined && announced !== this.#expected) {
      fault(`${this.#takes}, got ${announced}`)
    }
    const { rows, vocabSize } = readShape(shape, fault)
    this.#intake = Intake.open(dtype, rows, vocabSize)
  }

  /** Whether the piece is done with. */
  push(piece: Uint8Array): boolean {
    this.#length += piece.length
    if (this.#length > this.#expected) this.#fault(`${this.#takes}, got more`)
    if (!this.#intake) return this.#queue.push(piece)
    this.#intake.push(piece)
    return true
  }

  get #takes(): string {
    return `Shape [${this.#shape}] of ${this.#dtype} takes ${this.#expected} bytes`
  }

  finish(): Batch {
    const width = widths[this.#dtype]
    if (this.#length === 0 || this.#length % width > 0) {
      this.#fault(`Expected elements of ${width} bytes, got ${this.#length} bytes`)
    }
    const shape = this.#shape ?? [this.#length / width]
    if (!this.#intake) return toBatch(this.#dtype, shape, this.#queue.finish(), this.#fault)
    if (this.#length < this.#expected) this.#fault(`${this.#takes}, got ${this.#length}`)
    return {
      rows: this.#intake.finish(),
      vocabSize: shape.at(-1)!,
      isBatch: shape.length === 2,
      pathOf: () => [],
    }
  }

  /** When nothing is read of it any more. */
  release(): void {
    this.#intake?.release()
    this.#queue.release()
  }
}
