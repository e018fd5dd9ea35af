/**
 * Who waits or is under way, in the order of coming; whoever is looked at may leave meanwhile. A Set would do,
 * but V8 gives it another table whenever it has grown or shrunk. A table that has grown old leads to all those
 * after it, and keeps what they held until all memory is looked through.
 */
export class Line<Item> implements Iterable<Item> {
  readonly #items: Item[] = []

  get size(): number {
    return this.#items.length
  }

  get last(): Item | undefined {
    return this.#items.at(-1)
  }

  add(item: Item): void {
    this.#items.push(item)
  }

  /** Whether it was there. */
  delete(item: Item): boolean {
    const place = this.#items.indexOf(item)
    if (place < 0) return false
    this.#items.splice(place, 1)
    return true
  }

  *[Symbol.iterator](): Generator<Item, void> {
    for (let i = 0; i < this.#items.length; ) {
      const item = this.#items[i]!
      yield item
      if (this.#items[i] === item) i++
    }
  }
}
