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
class Unseen {
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

/**
 * How far what is known of a row tells what the whole row would come to. A whole row is exact. A sparse row leaves
 * tokens out, and is exact as long as every decision would be the same if they were known.
 */
export class Coverage {
  /** The tokens left out, as long as they are in play. */
  #unseen: Unseen | undefined
  #isExact = true
  #isSettled = false

  /** Begin with a whole row, or with the tokens of a sparse one. */
  begin(candidates?: Candidates): void {
    this.#isExact = true
    this.#isSettled = false
    this.#unseen = undefined
    if (!candidates) return
    const unseen = new Unseen(candidates)
    // Tokens left out are no more likely than the least likely one given, and so not in play.
    if (unseen.floor > Number.NEGATIVE_INFINITY) this.#unseen = unseen
  }

  /** Whether tokens that were left out are in play. */
  get isPartial(): boolean {
    return this.#unseen !== undefined
  }

  /** Whether the mass of the tokens left out is known. */
  get isWeighed(): boolean {
    return this.#unseen?.isWeighed ?? false
  }

  /** Whether the row is exact so far. */
  get isExact(): boolean {
    return this.#isExact && (this.#unseen?.isExact ?? true)
  }

  /** No logit of the tokens left out is above this one. */
  get floor(): number {
    return this.#unseen?.floor ?? Number.NEGATIVE_INFINITY
  }

  /** Whether a token was left out and is in play. */
  has(id: number): boolean {
    return this.#unseen?.has(id) ?? false
  }

  /** Whether any of these tokens was left out and is in play. */
  hasAny(ids: Uint32Array): boolean {
    return this.isPartial && ids.some((id) => this.has(id))
  }

  /** A decision needs to know every token in play. */
  needEach(): void {
    if (!this.#isSettled) this.#unseen?.miss()
  }

  /** Some of the tokens left out have changed: their mass is unknown from here on. */
  blur(): void {
    this.#unseen?.blur()
  }

  /** A cut reaches down to where the tokens left out are. */
  cutUnsurely(): void {
    this.#unseen?.cutUnsurely()
  }

  /** The tokens left out leave play. With `byCut` a cut above them has dropped them, which settles unsure cuts before it. */
  leave(byCut = false): void {
    if (this.#unseen && !(this.#unseen.isExact && (byCut || !this.#unseen.isUnsureCut))) {
      this.#isExact = false
    }
    this.#unseen = undefined
  }

  /**
   * The ranking was cut at this logit. The tokens left out leave play if none reaches it. Of those that equal it,
   * `lastTie` is the last one kept, and no token left out has its place before it.
   */
  cutAt(threshold: number, lastTie?: number): void {
    if (!this.#unseen) return
    const { floor, isUnsureCut } = this.#unseen
    const isBehind = lastTie !== undefined && !isUnsureCut && !this.#unseen.hasBelow(lastTie)
    if (floor < threshold || (floor === threshold && isBehind)) this.leave(true)
    else this.cutUnsurely()
  }

  /** Only tokens whose bit is set stay in play. */
  keepBits(words: Int32Array, vocabSize: number): void {
    const allowed = this.#unseen?.allowedBy(words, vocabSize)
    if (allowed === 'none') this.leave()
    else if (allowed === 'some') this.blur()
  }

  /** ln Σ e^(logit − max) over the tokens left out; −∞ where it is not known. */
  logMass(max: number): number {
    return this.#unseen?.logMass(max) ?? Number.NEGATIVE_INFINITY
  }

  /** The mass of the tokens left out, for a decision that needs it. */
  neededMass(max: number): number {
    if (!this.#unseen) return 0
    if (!this.#isSettled) this.#unseen.missMass()
    return exp(this.#unseen.logMass(max))
  }

  /** Their mass is the difference of two sums. It is unknown where little of both is left in play: `given` is the mass of the tokens given. */
  check(max: number, given: number): void {
    if (!this.#unseen?.isWeighed) return
    if (this.#unseen.isDoubtful(max, given + exp(this.#unseen.logMass(max)))) this.blur()
  }

  /**
   * No decision comes after this. Returns whether the distribution is that of the whole row, or relative to the tokens
   * given. With `givenAlone` it is relative, unless the others have no mass.
   */
  settle(givenAlone: boolean): 'full' | 'candidates' {
    this.#isSettled = true
    const isRelative = givenAlone && this.#unseen?.logMass(0) !== Number.NEGATIVE_INFINITY
    if (this.#unseen && (isRelative || !this.#unseen.isWeighed || !this.#unseen.isExact)) {
      this.#isExact = false
    }
    if (!this.#isExact) this.leave()
    return this.#isExact ? 'full' : 'candidates'
  }
}

function countBits(word: number): number {
  word -= (word >>> 1) & 0x55555555
  word = (word & 0x33333333) + ((word >>> 2) & 0x33333333)
  return (((word + (word >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
