import { bytesOf } from '../../tensors/bytes.ts'
import { Elements } from '../../tensors/elements.ts'
import { ByteQueue } from '../byte-queue.ts'

/** A list of up to so many items is an array, whatever is in it. */
const SMALL = 64

/** At most how many bytes a list takes, with what is made of it later, and an item; a long one of numbers takes them beside. */
const LIST = 400
const ITEM = 32
const LONG_LIST = 800

/** The kernel does not say which −∞ was "-Infinity"; that it was a number beyond all others is rare. */
function addItems(items: unknown[], numbers: Float32Array | Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const number = numbers[i]!
    if (number === Number.NEGATIVE_INFINITY) items.push('-Infinity')
    else items.push(number)
  }
}

function isNumber(item: unknown): item is number | '-Infinity' {
  return typeof item === 'number' || item === '-Infinity'
}

/** As float32 where that loses nothing. */
function narrowest(numbers: Float64Array): Float32Array | Float64Array {
  const narrow = new Float32Array(numbers)
  return narrow.every((number, i) => number === numbers[i]) ? narrow : numbers
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

  get length(): number {
    return this.#length
  }

  /** At most how many bytes it takes so far, what is in its items apart. */
  get bytes(): number {
    if (this.#items) return LIST + ITEM * this.#length
    return LONG_LIST + this.#narrow!.length + (this.#wide?.length ?? 0)
  }

  add(item: unknown): void {
    if (typeof item === 'number') {
      const numbers = Float64Array.of(item)
      if (!this.addShort(numbers, 1)) this.addNumbers(narrowest(numbers))
    } else {
      if (this.#items) this.#items.push(item)
      else if (item === '-Infinity') this.#append(Float32Array.of(Number.NEGATIVE_INFINITY))
      else this.#fault ??= { index: this.#length, value: item }
      this.#length++
    }
  }

  /** The first `count` of some numbers, if the list is still short with them. */
  addShort(numbers: Float64Array, count: number): boolean {
    const items = this.#items
    const length = this.#length + count
    if (!items || length > SMALL) return false
    addItems(items, numbers, count)
    this.#length = length
    return true
  }

  /**
   * Some numbers that are kept as they are, of a list that is no longer short; whether they are kept in
   * as little room as numbers take.
   */
  addNumbers(numbers: Float32Array | Float64Array): boolean {
    if (this.#items) this.#promote(this.#items)
    if (this.#items) addItems(this.#items, numbers, numbers.length)
    else this.#append(numbers)
    this.#length += numbers.length
    return !this.#items
  }

  /** A list of lists or objects stays one, also where numbers are among them. */
  #promote(items: unknown[]): void {
    if (items.length > 0 && !isNumber(items[0])) return
    this.#items = undefined
    this.#narrow = new ByteQueue()
    const index = items.findIndex((item) => !isNumber(item))
    const numbers = (index < 0 ? items : items.slice(0, index)) as number[]
    this.#append(narrowest(Float64Array.from(numbers)))
    if (index >= 0) this.#fault = { index, value: items[index] }
  }

  #append(numbers: Float32Array | Float64Array): void {
    // Nobody looks further than the first item that is no number.
    if (this.#fault) return
    if (numbers instanceof Float64Array) this.#wide ??= new ByteQueue()
    if (!this.#wide) this.#narrow!.push(bytesOf(numbers))
    else {
      const wide = numbers instanceof Float64Array ? numbers : new Float64Array(numbers)
      this.#wide.push(bytesOf(wide))
    }
  }

  finish(): unknown[] | Elements {
    // An array that grew has room for more.
    if (this.#items) return this.#items.slice()
    const { pieces } = this.#narrow!.finish()
    if (!this.#wide) return new Elements('float32', pieces, this.#length, this.#fault)
    const narrow = pieces.map(
      ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4),
    )
    const all = [...narrow, ...this.#wide.finish().pieces]
    return new Elements('float64', all, this.#length, this.#fault)
  }

  /** When nothing is read of its numbers any more. */
  release(): void {
    this.#narrow?.release()
    this.#wide?.release()
  }
}
