import { sortIds } from './sort.ts'

/** Tokens and their logits, side by side. */
export interface Tokens {
  readonly ids: Uint32Array
  readonly logits: Float64Array
}

/** Logits of some tokens by id, in the order in which they were set aside. */
export class Aside {
  #size = 0
  /** With gaps at −∞, where a token was taken out. */
  #length = 0
  #ids = new Uint32Array(64)
  #logits = new Float64Array(64)
  /** Where each token is, counted from 1. */
  #places = new Uint32Array(0)

  get size(): number {
    return this.#size
  }

  clear(): void {
    for (let i = 0; i < this.#length; i++) this.#places[this.#ids[i]!] = 0
    this.#length = 0
    this.#size = 0
  }

  has(id: number): boolean {
    return (this.#places[id] ?? 0) > 0
  }

  get(id: number): number | undefined {
    const place = this.#places[id] ?? 0
    return place > 0 ? this.#logits[place - 1] : undefined
  }

  /** The logit is above −∞. */
  set(id: number, logit: number): void {
    if (id >= this.#places.length) this.#makeRoomFor(id)
    let place = this.#places[id]!
    if (place === 0) {
      if (this.#length === this.#ids.length) this.#grow()
      place = ++this.#length
      this.#places[id] = place
      this.#ids[place - 1] = id
      this.#size++
    }
    this.#logits[place - 1] = logit
  }

  /** Whether it was there. */
  delete(id: number): boolean {
    const place = this.#places[id] ?? 0
    if (place === 0) return false
    this.#logits[place - 1] = Number.NEGATIVE_INFINITY
    this.#places[id] = 0
    this.#size--
    return true
  }

  visit(look: (id: number, logit: number) => void): void {
    for (let i = 0; i < this.#length; i++) {
      const logit = this.#logits[i]!
      if (logit > Number.NEGATIVE_INFINITY) look(this.#ids[i]!, logit)
    }
  }

  /** Those whose logit is wanted, ids ascending. */
  ascending(isWanted: (logit: number) => boolean): Tokens {
    const ids = this.#wanted(isWanted)
    const logits = new Float64Array(ids.length)
    for (let i = 0; i < ids.length; i++) logits[i] = this.#logits[this.#places[ids[i]!]! - 1]!
    return { ids, logits }
  }

  #wanted(isWanted: (logit: number) => boolean): Uint32Array {
    const ids = new Uint32Array(this.#size)
    let count = 0
    // A look at every id is faster than sorting many.
    if (this.#size > this.#places.length >> 5) {
      for (let id = 0; id < this.#places.length; id++) {
        const place = this.#places[id]!
        if (place > 0 && isWanted(this.#logits[place - 1]!)) ids[count++] = id
      }
      return ids.subarray(0, count)
    }
    this.visit((id, logit) => {
      if (isWanted(logit)) ids[count++] = id
    })
    return sortIds(ids.subarray(0, count))
  }

  #makeRoomFor(id: number): void {
    let length = 1024
    while (length <= id) length *= 2
    const places = new Uint32Array(length)
    places.set(this.#places)
    this.#places = places
  }

  #grow(): void {
    const ids = new Uint32Array(2 * this.#length)
    const logits = new Float64Array(2 * this.#length)
    ids.set(this.#ids)
    logits.set(this.#logits)
    this.#ids = ids
    this.#logits = logits
  }
}
