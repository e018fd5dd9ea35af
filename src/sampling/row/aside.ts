import { sortIds } from '../../algorithms/sort.ts'
import type { Tokens } from './tokens.ts'

/** Stands in `#ids` at the place of a token that was taken out. */
const NONE = 2 ** 32 - 1

/** Logits of some tokens by id, in the order in which they were set aside. */
export class Aside {
  #size = 0
  /** In the order in which they were set aside, with gaps. */
  #ids = new Uint32Array(64)
  #length = 0
  /** By id: the logit, which is NaN if the token is not aside, and the place of the id in `#ids`. */
  #logits = new Float64Array(0)
  #places = new Uint32Array(0)

  get size(): number {
    return this.#size
  }

  clear(): void {
    for (let i = 0; i < this.#length; i++) {
      const id = this.#ids[i]!
      if (id !== NONE) this.#logits[id] = Number.NaN
    }
    this.#length = 0
    this.#size = 0
  }

  has(id: number): boolean {
    return this.get(id) !== undefined
  }

  get(id: number): number | undefined {
    if (this.#size === 0 || id >= this.#logits.length) return undefined
    const logit = this.#logits[id]!
    return Number.isNaN(logit) ? undefined : logit
  }

  set(id: number, logit: number): void {
    if (id >= this.#logits.length) this.#makeRoomFor(id)
    if (Number.isNaN(this.#logits[id])) {
      if (this.#length === this.#ids.length) this.#grow()
      this.#places[id] = this.#length
      this.#ids[this.#length++] = id
      this.#size++
    }
    this.#logits[id] = logit
  }

  /** Returns whether the token was aside. */
  delete(id: number): boolean {
    if (!this.has(id)) return false
    this.#logits[id] = Number.NaN
    this.#ids[this.#places[id]!] = NONE
    this.#size--
    return true
  }

  /** The largest logit; −∞ if no token is aside. */
  max(): number {
    let max = Number.NEGATIVE_INFINITY
    if (this.#isMany()) {
      for (let id = 0; id < this.#logits.length; id++) {
        if (this.#logits[id]! > max) max = this.#logits[id]!
      }
      return max
    }
    this.visit((_, logit) => {
      if (logit > max) max = logit
    })
    return max
  }

  /** Whether a pass over all ids is faster than a pass over the tokens set aside. */
  #isMany(): boolean {
    return this.#size > this.#logits.length >> 5
  }

  /** Calls `look` for each token, in the order in which the tokens were set aside. */
  visit(look: (id: number, logit: number) => void): void {
    if (this.#size === 0) return
    for (let i = 0; i < this.#length; i++) {
      const id = this.#ids[i]!
      if (id !== NONE) look(id, this.#logits[id]!)
    }
  }

  /** The tokens whose logits are wanted, ids ascending. */
  ascending(isWanted: (logit: number) => boolean): Tokens {
    const ids = this.#wanted(isWanted)
    const logits = new Float64Array(ids.length)
    for (let i = 0; i < ids.length; i++) logits[i] = this.#logits[ids[i]!]!
    return { ids, logits }
  }

  #wanted(isWanted: (logit: number) => boolean): Uint32Array {
    const ids = new Uint32Array(this.#size)
    let count = 0
    if (this.#isMany()) {
      for (let id = 0; id < this.#logits.length; id++) {
        const logit = this.#logits[id]!
        if (!Number.isNaN(logit) && isWanted(logit)) ids[count++] = id
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
    const logits = new Float64Array(length).fill(Number.NaN)
    const places = new Uint32Array(length)
    logits.set(this.#logits)
    places.set(this.#places)
    this.#logits = logits
    this.#places = places
  }

  #grow(): void {
    const ids = new Uint32Array(2 * this.#length)
    ids.set(this.#ids)
    this.#ids = ids
  }
}
