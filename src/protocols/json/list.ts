import { Elements } from '../../sampling/elements.ts'
import { ByteQueue } from '../byte-queue.ts'

/** A list of up to so many items is an array, whatever is in it. */
const SMALL = 64

function bytesOf(numbers: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}

/** The kernel does not say which −∞ was "-Infinity"; that it was a number beyond all others is rare. */
function toItem(number: number): number | '-Infinity' {
  return number === Number.NEGATIVE_INFINITY ? '-Infinity' : number
}

function isNumber(item: unknown): item is number | '-Infinity' {
  return typeof item === 'number' || item === '-Infinity'
}

/**
 * A list while it is being read. A long one that begins with a number becomes `Elements`: float32 up to
 * where that would lose something, which it never does with numbers printed from float32, then float64.
 */
export class ListBuilder {
  /** The items, until they are kept as numbers. */
  #items: unknown[] | undefined = []
  #narrow: ByteQueue | undefined
  #wide: ByteQueue | undefined
  #length = 0
  #fault: Elements['fault']

  add(item: unknown): void {
    if (typeof item === 'number') this.addNumbers(Float64Array.of(item), item === Math.fround(item))
    else {
      if (this.#items) this.#items.push(item)
      else if (item === '-Infinity') this.#append(Float64Array.of(Number.NEGATIVE_INFINITY), true)
      else this.#fault ??= { index: this.#length, value: item }
      this.#length++
    }
  }

  /**
   * Some numbers, which are copied; `isNarrow` says that each of them is a float32. Whether they are kept
   * in as little room as numbers take.
   */
  addNumbers(numbers: Float64Array, isNarrow: boolean): boolean {
    const length = this.#length + numbers.length
    if (length > SMALL && this.#items) this.#promote(this.#items)
    if (this.#items) for (const number of numbers) this.#items.push(toItem(number))
    else this.#append(numbers, isNarrow)
    this.#length = length
    return length <= SMALL || !this.#items
  }

  /** A list of lists or objects stays one, also where numbers are among them. */
  #promote(items: unknown[]): void {
    if (items.length > 0 && !isNumber(items[0])) return
    this.#items = undefined
    this.#narrow = new ByteQueue()
    const index = items.findIndex((item) => !isNumber(item))
    const numbers = Float64Array.from((index < 0 ? items : items.slice(0, index)) as number[])
    this.#append(
      numbers,
      numbers.every((number) => number === Math.fround(number)),
    )
    if (index >= 0) this.#fault = { index, value: items[index] }
  }

  #append(numbers: Float64Array, isNarrow: boolean): void {
    // Nobody looks further than the first item that is no number.
    if (this.#fault) return
    if (!isNarrow) this.#wide ??= new ByteQueue()
    if (this.#wide) this.#wide.push(bytesOf(numbers.slice()))
    else this.#narrow!.push(bytesOf(new Float32Array(numbers)))
  }

  finish(): unknown[] | Elements {
    if (this.#items) return this.#items
    const { pieces } = this.#narrow!.finish()
    if (!this.#wide) return new Elements('float32', pieces, this.#length, this.#fault)
    const narrow = pieces.map(
      ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4),
    )
    const all = [...narrow, ...this.#wide.finish().pieces]
    return new Elements('float64', all, this.#length, this.#fault)
  }
}
