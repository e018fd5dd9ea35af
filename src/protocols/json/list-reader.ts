import { NumberList } from '../../fields/long-values.ts'
import { bytesOf } from '../../tensors/bytes.ts'
import { Elements } from '../../tensors/elements.ts'
import { ByteQueue } from '../byte-queue.ts'

/** A list of at most this many items is an array, whatever its items are. */
const SMALL = 64

/** Upper bounds of memory in bytes, including later copies: a list, each item, and a long list of numbers without its numbers. */
const LIST = 400
const ITEM = 32
const LONG_LIST = 800

/** Every −∞ becomes "-Infinity". The kernel also gives −∞ for a number below float64's range, which is rare. */
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

/** The numbers as float32 if that changes none of them. */
function narrowest(numbers: Float64Array): Float32Array | Float64Array {
  const narrow = new Float32Array(numbers)
  return narrow.every((number, i) => number === numbers[i]) ? narrow : numbers
}

/**
 * A list while it is read. A long list that begins with a number becomes a `NumberList`. Its numbers are kept as
 * float32 until one does not fit, and as float64 from there. Numbers that were printed from float32 always fit.
 */
export class ListBuilder {
  /** The items, while the list is an array. */
  #items: unknown[] | undefined = []
  #narrow: ByteQueue | undefined
  #wide: ByteQueue | undefined
  #length = 0
  #fault: NumberList['fault']

  get length(): number {
    return this.#length
  }

  /** An upper bound of the bytes that the list takes so far, without the contents of its items. */
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

  /** Adds the first `count` numbers if the list is still short with them. Returns whether it did. */
  addShort(numbers: Float64Array, count: number): boolean {
    const items = this.#items
    const length = this.#length + count
    if (!items || length > SMALL) return false
    addItems(items, numbers, count)
    this.#length = length
    return true
  }

  /**
   * Adds numbers to a list that is no longer short. Takes the array over. Returns whether the list keeps its
   * numbers in typed arrays.
   */
  addNumbers(numbers: Float32Array | Float64Array): boolean {
    if (this.#items) this.#promote(this.#items)
    if (this.#items) addItems(this.#items, numbers, numbers.length)
    else this.#append(numbers)
    this.#length += numbers.length
    return !this.#items
  }

  /** Turns an array into numbers, unless its first item is no number. */
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
    // The list is refused at its first item that is no number, so no later item is needed.
    if (this.#fault) return
    if (numbers instanceof Float64Array) this.#wide ??= new ByteQueue()
    if (!this.#wide) this.#narrow!.push(bytesOf(numbers))
    else {
      const wide = numbers instanceof Float64Array ? numbers : new Float64Array(numbers)
      this.#wide.push(bytesOf(wide))
    }
  }

  finish(): unknown[] | NumberList {
    // The copy drops the spare capacity of an array that grew.
    if (this.#items) return this.#items.slice()
    const count = this.#fault?.index ?? this.#length
    return new NumberList(this.#elements(count), this.#length, this.#fault)
  }

  #elements(count: number): Elements {
    const { pieces } = this.#narrow!.finish()
    if (!this.#wide) return new Elements('float32', pieces, count)
    const narrow = pieces.map(
      ({ buffer, byteOffset, byteLength }) => new Float32Array(buffer, byteOffset, byteLength / 4),
    )
    return new Elements('float64', [...narrow, ...this.#wide.finish().pieces], count)
  }

  /** Frees the numbers. Call this after their last use. */
  release(): void {
    this.#narrow?.release()
    this.#wide?.release()
  }
}
