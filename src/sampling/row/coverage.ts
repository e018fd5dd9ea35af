import { exp, log, log1p } from '../../kernel/index.ts'
import type { Candidates } from '../../tensors/candidates.ts'

/** Largest relative error of a log_z, which may have been summed or sent as float32. */
const LOG_Z_ERROR = 2 ** -23

/**
 * Largest error of the mass of the tokens left out, as a share of the total mass. With a larger error, the mass
 * counts as unknown.
 */
const DOUBT = 1e-5

/**
 * The tokens that a sparse row leaves out, while they are in play, and what is known about them. None is more likely
 * than the least likely token given. With `logZ`, their total mass at temperature 1 is known. If a decision depends
 * on more than this, the row is no longer exact.
 */
class Unseen {
  /** Upper bound of the logits of the tokens left out. */
  readonly floor: number
  readonly #given: Uint32Array
  #logMass: number | undefined
  /** The natural logarithm of the error of the mass. */
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

  /** Whether this token was left out. */
  has(id: number): boolean {
    return this.#given[this.#countBelow(id)] !== id
  }

  /** Whether a token with a lower id than this one was left out. */
  hasBelow(id: number): boolean {
    return this.#countBelow(id) < id
  }

  /** The number of given tokens with a lower id. */
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

  /** The number of tokens left out. */
  countOf(vocabSize: number): number {
    return vocabSize - this.#given.length
  }

  /** Whether the bits allow all of the tokens left out, none of them, or some. */
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

  /** Whether the error of their mass is too large for a total of e^(logit − max) of this size. */
  isDoubtful(max: number, total: number): boolean {
    return this.#logMass !== undefined && exp(this.#logError - max) > DOUBT * total
  }

  /** ln Σ e^(logit − max) of the tokens left out; −∞ if it is not known. */
  logMass(max: number): number {
    return this.#logMass === undefined ? Number.NEGATIVE_INFINITY : this.#logMass - max
  }

  /** Forgets their mass, because some of them have changed, left play or been tempered. */
  blur(): void {
    this.#logMass = undefined
  }

  /** Records a cut that lies among the tokens left out, so that it is not known which of them stayed. */
  cutUnsurely(): void {
    this.#isUnsureCut = true
    this.blur()
  }

  get isUnsureCut(): boolean {
    return this.#isUnsureCut
  }

  /** Records a decision that depended on each of the tokens left out. */
  miss(): void {
    this.#isMissed = true
    this.blur()
  }

  /** Records a decision that depended on the mass of the tokens left out. */
  missMass(): void {
    if (this.#logMass === undefined) this.#isMissed = true
  }

  /** Whether every decision so far would be the same with the whole row. */
  get isExact(): boolean {
    return !this.#isMissed
  }

  get isWeighed(): boolean {
    return this.#logMass !== undefined
  }
}

/**
 * Records whether the results of a row are those of the whole row. A dense row is always exact. A sparse row leaves
 * tokens out, and is exact as long as every decision would be the same if they were known.
 */
export class Coverage {
  /** The tokens left out; undefined if none of them is in play. */
  #unseen: Unseen | undefined
  #isExact = true
  #isSettled = false

  /** Begins with a whole row, or with the candidates of a sparse row. */
  begin(candidates?: Candidates): void {
    this.#isExact = true
    this.#isSettled = false
    this.#unseen = undefined
    if (!candidates) return
    const unseen = new Unseen(candidates)
    // No token left out is more likely than the least likely token given. If that is at −∞, none of them is in play.
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

  /** Upper bound of the logits of the tokens left out. */
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

  /** Call this before a decision that depends on every token in play. */
  needEach(): void {
    if (!this.#isSettled) this.#unseen?.miss()
  }

  /** Call this when some of the tokens left out have changed. Their mass is then unknown. */
  blur(): void {
    this.#unseen?.blur()
  }

  /** Call this for a cut that lies among the tokens left out. */
  cutUnsurely(): void {
    this.#unseen?.cutUnsurely()
  }

  /**
   * Drops the tokens left out from play. With `byCut`, a cut above them dropped them, so earlier unsure cuts no
   * longer matter.
   */
  leave(byCut = false): void {
    if (this.#unseen && !(this.#unseen.isExact && (byCut || !this.#unseen.isUnsureCut))) {
      this.#isExact = false
    }
    this.#unseen = undefined
  }

  /**
   * Records a cut of the ranking at this logit. The tokens left out leave play if all of them rank below the cut.
   * `lastTie` is the last kept token with this logit; tokens left out that tie with it rank below it if they have
   * higher ids. Omitted: ties are kept.
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

  /** ln Σ e^(logit − max) of the tokens left out; −∞ if it is not known. */
  logMass(max: number): number {
    return this.#unseen?.logMass(max) ?? Number.NEGATIVE_INFINITY
  }

  /** The mass of the tokens left out, for a decision that depends on it. */
  neededMass(max: number): number {
    if (!this.#unseen) return 0
    if (!this.#isSettled) this.#unseen.missMass()
    return exp(this.#unseen.logMass(max))
  }

  /**
   * Forgets the mass of the tokens left out if its error is too large. The mass is the difference of two sums, so the
   * error matters when little of both is left in play. `given` is the mass of the given tokens in play.
   */
  check(max: number, given: number): void {
    if (!this.#unseen?.isWeighed) return
    if (this.#unseen.isDoubtful(max, given + exp(this.#unseen.logMass(max)))) this.blur()
  }

  /**
   * Call this after the last decision. Returns `full` if the distribution is that of the whole row, and `candidates`
   * if it is relative to the tokens given. With `givenAlone`, only the tokens given can be chosen, so it is
   * `candidates` unless the others have no mass.
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
