import { Elements } from '../../sampling/elements.ts'
import { ByteQueue } from '../byte-queue.ts'

/** A list of up to so many items is an array, whatever is in it. */
const SMALL = 64

type Numbers = Float32Array | Float64Array

function bytesOf(numbers: Numbers): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}

/**
 * A list while it is being read. One with many numbers becomes `Elements`: float32 where that loses
 * nothing, as with numbers printed from float32, else float64.
 */
export class ListBuilder {
  #items: unknown[] = []
  #numbers: { isNarrow: boolean; queue: ByteQueue } | undefined
  #length = 0
  #fault: Elements['fault']

  add(item: unknown): void {
    if (!this.#numbers) this.#items.push(item)
    else if (typeof item === 'number')
      this.#append(Float64Array.of(item), item === Math.fround(item))
    else if (item === '-Infinity') this.#append(Float64Array.of(Number.NEGATIVE_INFINITY), true)
    else this.#fault ??= { index: this.#length, value: item }
    this.#length++
  }

  /** Some numbers, which are copied; `isNarrow` says that each of them is a float32. */
  addNumbers(numbers: Float64Array, isNarrow: boolean): void {
    const length = this.#length + numbers.length
    if (!this.#numbers && length > SMALL) this.#promote()
    if (this.#numbers) this.#append(numbers, isNarrow)
    else for (const number of numbers) this.#items.push(number)
    this.#length = length
  }

  #promote(): void {
    const items = this.#items
    this.#items = []
    this.#length = 0
    this.#numbers = { isNarrow: true, queue: new ByteQueue() }
    for (const item of items) this.add(item)
  }

  #append(numbers: Float64Array, isNarrow: boolean): void {
    // Nobody looks further than the first item that is no number.
    if (this.#fault || !this.#numbers) return
    if (this.#numbers.isNarrow && !isNarrow) this.#widen()
    const { queue } = this.#numbers
    queue.push(bytesOf(this.#numbers.isNarrow ? new Float32Array(numbers) : numbers.slice()))
  }

  #widen(): void {
    const { pieces } = this.#numbers!.queue.finish()
    const queue = new ByteQueue()
    for (const { buffer, byteOffset, byteLength } of pieces) {
      queue.push(bytesOf(new Float64Array(new Float32Array(buffer, byteOffset, byteLength / 4))))
    }
    this.#numbers = { isNarrow: false, queue }
  }

  finish(): unknown[] | Elements {
    if (!this.#numbers) return this.#items
    const { isNarrow, queue } = this.#numbers
    const { pieces, length } = queue.finish()
    const dtype = isNarrow ? 'float32' : 'float64'
    return new Elements(dtype, pieces, length / (isNarrow ? 4 : 8), this.#fault)
  }
}
