/**
 * Items in the order in which they were added. The current item may be deleted during iteration.
 *
 * It replaces a Set, which keeps memory alive: V8 replaces the table of a Set when it grows or shrinks, and each old
 * table refers to the next. So a table in the old generation keeps all later ones until a full collection.
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

  /** Returns whether the item was there. */
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
