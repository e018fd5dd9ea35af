import { exp, log, log1p } from '../../kernel/index.ts'
import type { Candidates } from '../../tensors/candidates.ts'

/** How far a log_z may be off, relatively: it may have been added up or sent as float32. */
const LOG_Z_ERROR = 2 ** -23

/** What their mass may be off by, as a part of all, before it is as good as unknown. */
const DOUBT = 1e-5

/**
 * What is known of the tokens a sparse row leaves out: none is more likely than the least likely of
 * those given, and with `logZ` their mass together at temperature 1. While they are in play, a number
 * that depends on more than this is not the whole row's, and neither is what comes of it.
 */
export class Unseen {
  /** No logit of theirs is above it. */
  readonly floor: number
  readonly #given: Uint32Array
  #logMass: number | undefined
  /** The natural logarithm of what their mass may be off by. */
  #logError = Number.NEGATIVE_INFINITY
  #isMissed = false
  #isUnsureCut = false

  constructor({ vocabSize, ids, values, logZ }: Candidates) {
    this.#given = ids
    this.floor = values.reduce((a, b) => Math.min(a, b))
    if (logZ === undefined) return
    const seen = values.reduce((sum, logit) => sum + exp(logit - logZ), 0)
    const most = this.floor + log(vocabSize - ids.length)
    const rest = seen < 1 ? logZ + log1p(-seen) : Number.NEGATIVE_INFINITY
    this.#logMass = Math.min(rest, most)
    this.#logError = Math.min(logZ + log(LOG_Z_ERROR * Math.max(1, Math.abs(logZ))), most)
  }

  /** Whether this token is one of them. */
  has(id: number): boolean {
    return this.#given[this.#countBelow(id)] !== id
  }

  /** Whether any of them has a lower id than this token. */
  hasBelow(id: number): boolean {
    return this.#countBelow(id) < id
  }

  /** How many of the tokens given have a lower id. */
  #countBelow(id: number): number {
    let low = 0
    let high = this.#given.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#given[middle]! < id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** How many they are. */
  countOf(vocabSize: number): number {
    return vocabSize - this.#given.length
  }

  /** Whether these bits are set for all of them, for none, or for some. */
  allowedBy(words: Int32Array, vocabSize: number): 'all' | 'none' | 'some' {
    let allowed = 0
    for (const [index, word] of words.entries()) {
      const valid = vocabSize - 32 * index >= 32 ? -1 : 2 ** (vocabSize - 32 * index) - 1
      allowed += countBits(word & valid)
    }
    for (const id of this.#given) allowed -= (words[id >>> 5]! >>> (id & 31)) & 1
    if (allowed === 0) return 'none'
    return allowed === this.countOf(vocabSize) ? 'all' : 'some'
  }

  /** Whether what their mass may be off by matters beside this total of e^(logit − max). */
  isDoubtful(max: number, total: number): boolean {
    return this.#logMass !== undefined && exp(this.#logError - max) > DOUBT * total
  }

  /** ln Σ e^(logit − max) over them; −∞ where it is not known. */
  logMass(max: number): number {
    return this.#logMass === undefined ? Number.NEGATIVE_INFINITY : this.#logMass - max
  }

  /** Some of them may have changed or gone, or been tempered: what they weigh is not known any more. */
  blur(): void {
    this.#logMass = undefined
  }

  /** The ranking was cut where they are too: which of them stayed is not known. */
  cutUnsurely(): void {
    this.#isUnsureCut = true
    this.blur()
  }

  get isUnsureCut(): boolean {
    return this.#isUnsureCut
  }

  /** A decision needed to know them one by one. */
  miss(): void {
    this.#isMissed = true
    this.blur()
  }

  /** A decision needed their mass. */
  missMass(): void {
    if (this.#logMass === undefined) this.#isMissed = true
  }

  /** Whether everything so far is as it would be with the whole row. */
  get isExact(): boolean {
    return !this.#isMissed
  }

  get isWeighed(): boolean {
    return this.#logMass !== undefined
  }
}

function countBits(word: number): number {
  word -= (word >>> 1) & 0x55555555
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
  return (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
