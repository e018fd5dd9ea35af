import { exp, log } from './kernel/index.ts'
import { type Cut, cutByWeight } from './select.ts'

/**
 * One row's tokens still in play: two parallel arrays that shrink, ids ascending.
 *
 * Logits stay as they came; a temperature is only remembered, and divides differences to the
 * largest logit where probabilities are needed. So no temperature, however small, overflows.
 *
 * Tokens are ranked by (logit descending, id ascending). Every `keep…` method cuts that ranking,
 * and none of them leaves fewer than `minTokensToKeep` tokens.
 */
export class Row {
  vocabSize = 0
  size = 0
  ids = new Uint32Array(0)
  logits = new Float64Array(0)
  temperature = 1
  minTokensToKeep = 1

  /** exp((logit − max) / temperature) of each token; `normalise` fills them. */
  masses = new Float64Array(0)
  totalMass = 0
  logTotalMass = 0

  #keys = new Float64Array(0)
  #weights = new Float64Array(0)

  /** Start from raw logits; tokens at −Infinity are not in play. */
  load(logits: Float32Array): void {
    const vocabSize = logits.length
    if (vocabSize > this.ids.length) this.#grow(vocabSize)
    let size = 0
    for (let id = 0; id < vocabSize; id++) {
      const logit = logits[id]!
      this.ids[size] = id
      this.logits[size] = logit
      if (logit > Number.NEGATIVE_INFINITY) size++
    }
    this.vocabSize = vocabSize
    this.size = size
    this.temperature = 1
    this.minTokensToKeep = 1
  }

  max(): number {
    const { logits, size } = this
    let max = Number.NEGATIVE_INFINITY
    for (let i = 0; i < size; i++) if (logits[i]! > max) max = logits[i]!
    return max
  }

  /** Fill `masses` and their total for the tokens in play. */
  normalise(): void {
    const { logits, masses, size, temperature } = this
    const max = this.max()
    let total = 0
    for (let i = 0; i < size; i++) {
      const mass = exp((logits[i]! - max) / temperature)
      masses[i] = mass
      total += mass
    }
    this.totalMass = total
    this.logTotalMass = log(total)
  }

  /** Keep the most likely token alone, the lowest id among equals. */
  keepGreedy(): void {
    const { ids, logits, size } = this
    let best = 0
    for (let i = 1; i < size; i++) if (logits[i]! > logits[best]!) best = i
    ids[0] = ids[best]!
    logits[0] = logits[best]!
    this.size = Math.min(size, 1)
  }

  /** Keep the tokens whose logit is at least `threshold`. */
  keepAbove(threshold: number): void {
    this.#keep({ threshold, ties: this.size })
  }

  /** Keep the first `count` tokens of the ranking. */
  keepTop(count: number): void {
    if (count < this.size) this.#keep(this.cutAt(count))
  }

  /** Keep the shortest prefix of the ranking that holds at least this share of the probability. */
  keepMass(share: number): void {
    this.normalise()
    this.#keys.set(this.logits.subarray(0, this.size))
    this.#weights.set(this.masses.subarray(0, this.size))
    this.#keep(cutByWeight(this.#keys, this.#weights, this.size, share * this.totalMass))
  }

  /** Where the ranking is cut after `count` tokens. */
  cutAt(count: number): Cut {
    this.#keys.set(this.logits.subarray(0, this.size))
    this.#weights.fill(1, 0, this.size)
    return cutByWeight(this.#keys, this.#weights, this.size, count)
  }

  /** Take tokens out of play whatever their logit. This alone may leave none. */
  filter(isKept: (id: number) => boolean): void {
    const { ids, logits, size } = this
    let kept = 0
    for (let i = 0; i < size; i++) {
      if (!isKept(ids[i]!)) continue
      ids[kept] = ids[i]!
      logits[kept] = logits[i]!
      kept++
    }
    this.size = kept
  }

  /** Add to the tempered logit of a token; −Infinity takes it out of play. */
  add(id: number, bias: number): void {
    const index = this.indexOf(id)
    if (index < 0) return
    if (bias === Number.NEGATIVE_INFINITY) this.#remove(index)
    else this.logits[index]! += bias * this.temperature
  }

  /** Where a token is in the arrays; −1 when it is no longer in play. */
  indexOf(id: number): number {
    let low = 0
    let high = this.size - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.ids[middle]!
      if (found === id) return middle
      if (found < id) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  #keep(cut: Cut): void {
    const { ids, logits, size } = this
    if (this.#countKept(cut) < this.minTokensToKeep) {
      if (this.minTokensToKeep >= size) return
      cut = this.cutAt(this.minTokensToKeep)
    }
    let ties = cut.ties
    let kept = 0
    for (let i = 0; i < size; i++) {
      const logit = logits[i]!
      if (logit > cut.threshold || (logit === cut.threshold && ties-- > 0)) {
        ids[kept] = ids[i]!
        logits[kept] = logit
        kept++
      }
    }
    this.size = kept
  }

  #countKept({ threshold, ties }: Cut): number {
    const { logits, size } = this
    let larger = 0
    let equal = 0
    for (let i = 0; i < size; i++) {
      if (logits[i]! > threshold) larger++
      else if (logits[i] === threshold) equal++
    }
    return larger + Math.min(equal, ties)
  }

  #remove(index: number): void {
    this.ids.copyWithin(index, index + 1, this.size)
    this.logits.copyWithin(index, index + 1, this.size)
    this.size--
  }

  #grow(vocabSize: number): void {
    this.ids = new Uint32Array(vocabSize)
    this.logits = new Float64Array(vocabSize)
    this.masses = new Float64Array(vocabSize)
    this.#keys = new Float64Array(vocabSize)
    this.#weights = new Float64Array(vocabSize)
  }
}
