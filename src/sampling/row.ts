import type { Logits } from './batch.ts'
import { Dense, type MassSum, TAIL_ERROR } from './dense.ts'
import { Elements } from './elements.ts'
import { kernel, log } from './kernel/index.ts'
import type { RowMemory } from './kernel/memory.ts'
import { firstMaximum, loadRow } from './load.ts'
import { reusable } from './reusable.ts'
import { type Cut, cutByWeight } from './select.ts'
import type { Candidates } from './sparse.ts'
import { Unseen } from './unseen.ts'

/** A vocabulary smaller than this is all survivors from the start: float64 throughout. */
const DENSE_FROM = 4096

/**
 * No logit and no temperature goes beyond this, so that no product of them leaves float64: float32's
 * logits make the same distribution at this temperature as at any higher.
 */
const LARGEST = 1e150

function bounded(logit: number): number {
  return Math.min(LARGEST, Math.max(-LARGEST, logit))
}

/** How many of the most likely tokens to look among for a cut, before all. */
const REACHES = [256, 4096]

/** Of tokens as near to a center, the likelier ones come first; so near that rounding decides counts as equal. */
const ABOVE_FIRST = 1 + 1e-14

const nearnessOf = reusable()

/** How tokens are ranked for a cut by share. */
interface Ranking {
  /** Of the survivors, larger is kept first. */
  keys(): Float64Array
  /** Leave out the least likely tokens of a dense row, with at most this mass; whether it could tell which. */
  dropTail?(allowance: number, doubt: number): boolean
  isWithin(cut: Pick<Cut, 'threshold'>, reached: number): boolean
  strict: boolean
  allTies: boolean
}

/**
 * One row's tokens still in play. A large vocabulary begins as a `Dense` row, which the kernel works on
 * as a whole; once a sampler narrows it, or asks for more than the kernel does, the tokens in play are
 * survivors: parallel arrays `ids` (ascending), `logits` and, normalised, `masses`, of `size` entries.
 *
 * Logits stay as they came; a temperature is only remembered, and divides differences to the largest
 * logit where probabilities are needed. So no temperature, however small, overflows.
 *
 * Tokens are ranked by (logit descending, id ascending). Every `keep…` method cuts that ranking, and
 * none of them but `keepGreedy`, `keepOnly` and `keepBits` leaves fewer than `minTokensToKeep` tokens.
 */
export class Row {
  vocabSize = 0
  minTokensToKeep = 1
  /** The logit from which the last cut of a ranking by logit kept tokens. */
  threshold: number | undefined

  #memory: RowMemory
  #denseRow: Dense
  /** The logits of a dense row that nothing has looked at yet. */
  #pending: Elements | undefined
  #mayChange = false
  /** Whether no token was in play from the start. */
  cameEmpty = false
  /** The tokens a sparse row leaves out, as long as they are in play. */
  #unseen: Unseen | undefined
  #isExact = true
  #isSettled = false
  #isDense = false
  #size = 0
  #temperature = 1
  #max: number | undefined
  /** What the masses add up to, once that was asked for. */
  #sum: MassSum | undefined
  #isWeighed = false
  #isTruncated = false

  constructor(memory: RowMemory) {
    this.#memory = memory
    this.#denseRow = new Dense(memory)
  }

  attach(memory: RowMemory): void {
    this.#memory = memory
    this.#denseRow.attach(memory)
  }

  get #dense(): Dense {
    if (this.#pending) {
      this.#denseRow.load(this.#pending, this.#mayChange)
      this.#pending = undefined
      this.cameEmpty = this.#denseRow.max() === Number.NEGATIVE_INFINITY
    }
    return this.#denseRow
  }

  /**
   * Start from raw logits; tokens at −∞ are not in play. Throws a `FaultyLogit`, now or when first looked
   * at. `mayChange` says that nobody wants to see the logits after.
   */
  load(logits: Logits, mayChange = false): void {
    this.#mayChange = mayChange
    this.cameEmpty = false
    this.minTokensToKeep = 1
    this.#temperature = 1
    this.#isTruncated = false
    this.#unseen = undefined
    this.#isExact = true
    this.#isSettled = false
    this.#isDense = false
    this.#pending = undefined
    this.#forget()
    if (!(logits instanceof Elements)) {
      this.vocabSize = logits.vocabSize
      this.#loadCandidates(logits)
      return
    }
    this.vocabSize = logits.length
    if (logits.length >= DENSE_FROM) {
      this.#isDense = true
      this.#pending = logits
    } else {
      loadRow(logits, this.#memory)
      this.#loadSurvivors(this.#memory.views.row.subarray(0, logits.length))
    }
  }

  #loadSurvivors(values: Float32Array): void {
    const { ids, logits } = this
    let size = 0
    for (let id = 0; id < values.length; id++) {
      const logit = values[id]!
      ids[size] = id
      logits[size] = logit
      if (logit > Number.NEGATIVE_INFINITY) size++
    }
    this.#size = size
    this.cameEmpty = size === 0
  }

  #loadCandidates(candidates: Candidates): void {
    const { ids, values, vocabSize } = candidates
    this.ids.set(ids)
    this.logits.set(values)
    this.#size = ids.length
    this.#dropMasked()
    this.cameEmpty = this.#size === 0
    if (ids.length < vocabSize) this.#unseen = new Unseen(candidates)
  }

  /**
   * No sampler comes after this. Whether the distribution is that of the whole row, or relative to the
   * tokens a sparse row was given.
   */
  settle(): 'full' | 'candidates' {
    this.#isSettled = true
    if (this.#unseen?.isWeighed === false || this.#unseen?.isExact === false) this.#isExact = false
    if (!this.#isExact) this.#leaveUnseen()
    return this.#isExact ? 'full' : 'candidates'
  }

  /** A decision needs to know every token in play. */
  #needEach(): void {
    if (!this.#isSettled) this.#unseen?.miss()
    if (!this.#isSettled) this.#sum = undefined
  }

  /** The tokens a sparse row leaves out are not in play any more. */
  #leaveUnseen(): void {
    if (this.#unseen?.isExact === false) this.#isExact = false
    this.#unseen = undefined
    this.#sum = undefined
  }

  /** After a cut of the ranking at this logit. */
  #cutUnseen(threshold: number): void {
    if (!this.#unseen) return
    const suffices = this.minTokensToKeep <= this.#size
    if (suffices && threshold >= this.#unseen.floor) {
      this.#isTruncated = true
      this.#leaveUnseen()
    } else this.#unseen.blur()
  }

  /** How many tokens are in play. */
  get size(): number {
    this.#needEach()
    return this.#known
  }

  /** How many tokens in play are known. */
  get #known(): number {
    return this.#isDense ? this.#dense.size : this.#size
  }

  /**
   * How many tokens an engine counts that leaves masked ones in its list: those in play, and, until a
   * filter has cut the ranking, those that are not.
   */
  get listed(): number {
    return this.#isTruncated ? this.size : this.vocabSize
  }

  get isEmpty(): boolean {
    return this.max() === Number.NEGATIVE_INFINITY
  }

  get ids(): Uint32Array {
    return this.#memory.views.ids
  }

  get logits(): Float64Array {
    return this.#memory.views.logits
  }

  /** exp((logit − max) / temperature) of each survivor, after `normalise`. */
  get masses(): Float64Array {
    return this.#memory.views.masses
  }

  get temperature(): number {
    return this.#temperature
  }

  set temperature(temperature: number) {
    if (temperature !== this.#temperature) this.#unseen?.blur()
    this.#temperature = Math.min(temperature, LARGEST)
    this.#sum = undefined
  }

  max(): number {
    if (this.#max === undefined) {
      if (this.#isDense) {
        this.#max = this.#dense.max()
      } else {
        const { logits } = this
        let max = Number.NEGATIVE_INFINITY
        for (let i = 0; i < this.#size; i++) if (logits[i]! > max) max = logits[i]!
        this.#max = max
      }
    }
    return this.#max
  }

  /** Σ exp((logit − max) / temperature) over the tokens in play. */
  normalise(): number {
    return this.#normalised().total
  }

  #normalised(weigh = false): MassSum {
    if (this.#sum === undefined || (weigh && !this.#isWeighed)) {
      this.#isWeighed = weigh
      this.#sum = this.#isDense
        ? this.#dense.sumExp(this.#temperature, weigh)
        : this.#sumSurvivors(weigh)
    }
    return this.#sum
  }

  #sumSurvivors(weigh: boolean): MassSum {
    const given = this.#fillMasses(this.#size)
    const weighted = weigh ? this.#weighSurvivors() : 0
    return { total: given + this.#unseenMass(), given, tail: 0, weighted }
  }

  #unseenMass(): number {
    if (!this.#unseen) return 0
    if (!this.#isSettled) this.#unseen.missMass()
    return this.#unseen.mass(this.max())
  }

  /** −Σ p ln p, in nats. */
  entropy(): number {
    this.#needEach()
    // Without the others': taken from the sum, a mass far beyond theirs would leave nothing of them.
    const { total, given = total, weighted } = this.#normalised(true)
    // Rounding may leave a certain row a hair below zero.
    return Math.max(0, log(given) - weighted / given)
  }

  #weighSurvivors(): number {
    const { logits, masses } = this
    const max = this.max()
    let sum = 0
    for (let i = 0; i < this.#size; i++) {
      const mass = masses[i]!
      if (mass > 0) sum += mass * ((logits[i]! - max) / this.#temperature)
    }
    return sum
  }

  /** The place of a token in play in the ranking; 1 is the most likely. */
  rankOf(id: number): number {
    const own = this.logitOf(id)
    if (this.#isDense) return this.#dense.countBefore(id, own) + 1
    let rank = 1
    for (let i = 0; i < this.#size; i++) {
      if (this.logits[i]! > own || (this.logits[i] === own && this.ids[i]! < id)) rank++
    }
    return rank
  }

  /** The first `count` tokens of the ranking, in its order. */
  ranked(count: number): { id: number; logit: number }[] {
    if (count > this.#known) this.#needEach()
    const wanted = Math.min(count, this.#known)
    if (wanted === 0) return []
    const { size, threshold } = this.#cutAtRank(wanted)
    const tokens: { id: number; logit: number }[] = []
    for (let i = 0; i < size; i++) {
      if (this.logits[i]! >= threshold) tokens.push({ id: this.ids[i]!, logit: this.logits[i]! })
    }
    return tokens.sort((a, b) => b.logit - a.logit || a.id - b.id).slice(0, wanted)
  }

  /** The `count` largest logits, descending. */
  largest(count: number): Float64Array {
    if (count > this.#known) this.#needEach()
    const wanted = Math.min(count, this.#known)
    if (wanted === 0) return new Float64Array(0)
    const { size, threshold } = this.#cutAtRank(wanted)
    const values = this.logits.subarray(0, size).filter((logit) => logit >= threshold)
    return values.sort().reverse().subarray(0, wanted)
  }

  /** The tokens whose logit is at least `threshold`, ids ascending. */
  tokensFrom(threshold: number): { id: number; logit: number }[] {
    const size = this.#isDense ? this.#dense.collect(threshold) : this.#size
    const tokens: { id: number; logit: number }[] = []
    for (let i = 0; i < size; i++) {
      if (this.logits[i]! >= threshold) tokens.push({ id: this.ids[i]!, logit: this.logits[i]! })
    }
    return tokens
  }

  /** The natural logarithm of the probability of a token with this logit. */
  logprob(logit: number): number {
    return (logit - this.max()) / this.#temperature - log(this.normalise())
  }

  /** The logit at which a token has this logprob. */
  logitAt(logprob: number): number {
    return this.max() + this.#temperature * (logprob + log(this.normalise()))
  }

  /**
   * The logit at which a token has this probability. A product before the logarithm, so that 1 / n is
   * the probability of n equal tokens, whatever n.
   */
  logitAtProbability(probability: number): number {
    return this.max() + this.#temperature * log(probability * this.normalise())
  }

  /** Σ p², the chance that two draws agree. */
  collision(): number {
    this.#needEach()
    const total = this.normalise()
    if (this.#isDense) {
      // e^(2d/T) is e^(d/(T/2)); the sums of the row itself are gone then.
      const half = Math.max(this.#temperature / 2, Number.MIN_VALUE)
      const squares = this.#dense.sumExp(half, false).total
      this.#sum = undefined
      return squares / (total * total)
    }
    let squares = 0
    for (let i = 0; i < this.#size; i++) squares += this.masses[i]! * this.masses[i]!
    return squares / (total * total)
  }

  /** The population standard deviation of the logits in play, untempered. */
  deviation(): number {
    this.#needEach()
    if (this.#isDense) return this.#dense.deviation()
    const { logits } = this
    const size = this.#size
    const max = this.max()
    let sum = 0
    for (let i = 0; i < size; i++) sum += logits[i]! - max
    const mean = sum / size
    let squares = 0
    for (let i = 0; i < size; i++) {
      const d = logits[i]! - max - mean
      squares += d * d
    }
    return Math.sqrt(squares / size)
  }

  /** −∞ when the token is not in play. */
  logitOf(id: number): number {
    if (this.#isDense) return this.#dense.logitOf(id)
    const index = this.indexOf(id)
    return index < 0 ? Number.NEGATIVE_INFINITY : this.logits[index]!
  }

  /** Change the logit of a token in play; −∞ takes it out. One out of play stays so. */
  setLogit(id: number, logit: number): void {
    if (this.logitOf(id) === Number.NEGATIVE_INFINITY) {
      this.#unseen?.blur()
      return
    }
    this.#put(id, logit === Number.NEGATIVE_INFINITY ? logit : bounded(logit))
  }

  #put(id: number, logit: number): void {
    this.#forget()
    if (this.#isDense) {
      this.#dense.setLogit(id, logit)
    } else if (logit === Number.NEGATIVE_INFINITY) {
      this.#remove(this.indexOf(id))
    } else {
      this.logits[this.indexOf(id)] = logit
    }
  }

  /** Add to the tempered logit of a token; −∞ takes it out of play. */
  add(id: number, bias: number): void {
    const logit = this.logitOf(id)
    if (logit === Number.NEGATIVE_INFINITY) {
      if (bias > 0) this.raiseUnseen()
      else this.#unseen?.blur()
      return
    }
    const isBan = bias === Number.NEGATIVE_INFINITY
    this.#put(id, isBan ? bias : bounded(logit + bias * this.#temperature))
  }

  /** A token that is not in play would be more likely now, if it was only left out of a sparse row. */
  raiseUnseen(): void {
    this.#needEach()
  }

  /** Take tokens out of play. */
  remove(ids: Iterable<number>): void {
    this.#unseen?.blur()
    if (this.#isDense) {
      this.#dense.remove(ids)
    } else {
      for (const id of ids) {
        const index = this.indexOf(id)
        if (index >= 0) this.logits[index] = Number.NEGATIVE_INFINITY
      }
      this.#dropMasked()
    }
    this.#forget()
  }

  #dropMasked(): void {
    const { ids, logits } = this
    let kept = 0
    for (let i = 0; i < this.#size; i++) {
      ids[kept] = ids[i]!
      logits[kept] = logits[i]!
      if (logits[i]! > Number.NEGATIVE_INFINITY) kept++
    }
    this.#size = kept
  }

  /** Leave only these tokens in play, of those that are. */
  keepOnly(allowed: Uint32Array): void {
    const entries = [...new Set(allowed)]
      .sort((a, b) => a - b)
      .map((id) => ({ id, logit: this.logitOf(id) }))
      .filter(({ logit }) => logit > Number.NEGATIVE_INFINITY)
    // Of tokens that all were given, none is left out.
    if (entries.length === new Set(allowed).size) this.#leaveUnseen()
    else this.#unseen?.blur()
    this.#become(entries.length)
    entries.forEach(({ id, logit }, i) => {
      this.ids[i] = id
      this.logits[i] = logit
    })
  }

  /** Leave only tokens in play whose bit is set: bit `id & 31` of word `id >> 5`. */
  keepBits(words: Int32Array): void {
    this.#unseen?.blur()
    this.#forget()
    if (this.#isDense) {
      this.#dense.keepBits(words)
      return
    }
    const { ids, logits } = this
    let kept = 0
    for (let i = 0; i < this.#size; i++) {
      const id = ids[i]!
      if (((words[id >>> 5]! >>> (id & 31)) & 1) === 0) continue
      ids[kept] = id
      logits[kept] = logits[i]!
      kept++
    }
    this.#size = kept
  }

  /** Give every token in play another logit. */
  map(toLogit: (logit: number, mass: number) => number): void {
    this.#needEach()
    this.gather()
    this.normalise()
    const { logits, masses } = this
    for (let i = 0; i < this.#size; i++) logits[i] = bounded(toLogit(logits[i]!, masses[i]!))
    this.#forget()
  }

  /** Make survivors of all tokens in play. */
  gather(): void {
    if (!this.#isDense) return
    this.#size = this.#dense.collect(Number.NEGATIVE_INFINITY)
    this.#isDense = false
    this.#sum = undefined
  }

  /** Keep the most likely token alone, the lowest id among equals. */
  keepGreedy(): void {
    const passing = this.#pending?.offset === undefined ? this.#pending : undefined
    const { id, logit } = passing ? firstMaximum(passing) : this.#mostLikely()
    if (passing) this.cameEmpty = logit === Number.NEGATIVE_INFINITY
    this.#pending = undefined
    this.#isTruncated = true
    this.#cutUnseen(logit)
    this.#become(logit > Number.NEGATIVE_INFINITY ? 1 : 0)
    this.ids[0] = id
    this.logits[0] = logit
  }

  #mostLikely(): { id: number; logit: number } {
    const logit = this.max()
    const id = this.#isDense ? this.#dense.indexOfMax() : this.ids[this.logits.indexOf(logit)]!
    return { id, logit }
  }

  /** Keep the tokens whose logit is at least `threshold`. */
  keepAbove(threshold: number): void {
    this.#isTruncated = true
    if (threshold > this.max()) {
      this.keepTop(this.minTokensToKeep)
      return
    }
    if (this.#isDense) {
      const count = this.#dense.collect(threshold)
      if (count < this.minTokensToKeep) {
        this.keepTop(this.minTokensToKeep)
        return
      }
      this.#become(count)
    }
    this.#keep({ threshold, ties: this.#size }, this.logits)
  }

  /**
   * Keep the tokens at least this likely. Where they are too few, those kept in their stead are as many
   * as must be, or, if `allTies`, all that are as likely as the last of them.
   */
  keepLikely(probability: number, allTies = false): void {
    const threshold = this.logitAtProbability(probability)
    this.keepAbove(
      allTies ? Math.min(threshold, this.logitAtRank(this.minTokensToKeep)) : threshold,
    )
  }

  /** Keep the first `count` tokens of the ranking, with `allTies` those equal to the last of them too. */
  keepTop(count: number, allTies = false): void {
    count = Math.max(count, this.minTokensToKeep)
    if (!this.#isDense && count >= this.#size) {
      if (count > this.#size) this.#unseen?.blur()
      else if (this.#unseen) this.#cutUnseen(this.logitAtRank(count))
      return
    }
    if (allTies) {
      if (count < this.#known) this.keepAbove(this.logitAtRank(count))
      return
    }
    this.#isTruncated = true
    if (this.#isDense) this.#become(this.#dense.collect(this.#dense.thresholdFor(count)))
    this.#keep(cutByWeight(this.logits, undefined, this.#size, count), this.logits)
  }

  /** The logit of the `count`-th token of the ranking. */
  logitAtRank(count: number): number {
    return this.#cutAtRank(count).threshold
  }

  /** The `count`-th largest logit, and how many entries of the arrays it was found among. */
  #cutAtRank(count: number): { size: number; threshold: number } {
    const size = this.#isDense ? this.#dense.collect(this.#dense.thresholdFor(count)) : this.#size
    const { threshold } = cutByWeight(this.logits, undefined, size, count)
    return { size, threshold }
  }

  /** Keep the shortest prefix of the ranking that holds at least this share of the probability. */
  keepMass(share: number): void {
    this.#keepShare(share, {
      keys: () => this.logits,
      dropTail: (allowance, doubt) => this.#dense.dropTail(allowance, doubt, this.#temperature),
      isWithin: () => true,
      strict: false,
      allTies: false,
    })
  }

  /**
   * Keep the tokens whose logit is nearest to `center`: the fewest that hold at least this share of
   * the probability (more than it, if `strict`), and, if `allTies`, all as near as the last of them.
   */
  keepNearest(center: number, share: number, rules: { strict: boolean; allTies: boolean }): void {
    this.#keepShare(share, {
      keys: () => {
        const nearness = nearnessOf(this.#size)
        for (let i = 0; i < nearness.length; i++) {
          const logit = this.logits[i]!
          nearness[i] = logit > center ? center - logit : (logit - center) * ABOVE_FIRST
        }
        return nearness
      },
      isWithin: ({ threshold }, reached) => threshold > reached - center,
      ...rules,
    })
  }

  /**
   * Keep what ranks highest by some keys, up to a share of the probability. Of a dense row, ever more
   * of the most likely tokens become survivors until the cut lies among them (`isWithin` says so of
   * the lowest logit looked at), and is not so close that the kernel's share of the total could decide it.
   */
  #keepShare(share: number, { keys, dropTail, isWithin, strict, allTies }: Ranking): void {
    this.#isTruncated = true
    const { total, tail } = this.#normalised()
    if (this.#isDense) {
      const target = share * total
      const doubt = share * tail * TAIL_ERROR
      for (const reach of REACHES) {
        const threshold = this.#dense.thresholdFor(Math.max(reach, this.minTokensToKeep))
        if (threshold === Number.NEGATIVE_INFINITY) {
          dropTail = undefined
          break
        }
        const size = this.#dense.collect(threshold)
        const mass = this.#fillMasses(size)
        if (mass < target + doubt) continue
        this.#size = size
        const ranked = keys()
        const cut = cutByWeight(ranked, this.masses, size, target, strict)
        if (target - cut.before <= doubt || cut.after - target < doubt) break
        const wide = this.#widened(allTies ? { ...cut, ties: size } : cut, ranked)
        if (!isWithin(wide, threshold)) continue
        this.#become(size)
        this.#keep(wide, ranked)
        return
      }
      if (dropTail?.((1 - share) * total, (1 - share) * tail * TAIL_ERROR)) {
        this.#forget()
        return
      }
      this.gather()
    }
    const all = this.#normalised().total
    const target = share * all
    if (target > all - this.#unseenMass()) {
      this.#unseen?.blur()
      return
    }
    const ranked = keys()
    const cut = cutByWeight(ranked, this.masses, this.#size, target, strict)
    this.#keep(allTies ? { ...cut, ties: this.#size } : cut, ranked)
  }

  #keep(cut: Pick<Cut, 'threshold' | 'ties'>, keys: Float64Array): void {
    const { ids, logits } = this
    const size = this.#size
    const wide = this.#widened(cut, keys)
    const { threshold } = wide
    let { ties } = wide
    if (keys === logits) {
      this.threshold = threshold
      this.#cutUnseen(threshold)
    }
    let kept = 0
    for (let i = 0; i < size; i++) {
      const key = keys[i]!
      if (key > threshold || (key === threshold && ties-- > 0)) {
        ids[kept] = ids[i]!
        logits[kept] = logits[i]!
        kept++
      }
    }
    if (kept === size) return
    this.#size = kept
    this.#forget()
  }

  /** The cut, or the one that leaves `minTokensToKeep` survivors where it leaves fewer. */
  #widened(
    cut: Pick<Cut, 'threshold' | 'ties'>,
    keys: Float64Array,
  ): Pick<Cut, 'threshold' | 'ties'> {
    if (this.minTokensToKeep === 1 || this.#countKept(cut, keys) >= this.minTokensToKeep) return cut
    return cutByWeight(keys, undefined, this.#size, this.minTokensToKeep)
  }

  #countKept({ threshold, ties }: Pick<Cut, 'threshold' | 'ties'>, keys: Float64Array): number {
    let larger = 0
    let equal = 0
    for (let i = 0; i < this.#size; i++) {
      if (keys[i]! > threshold) larger++
      else if (keys[i] === threshold) equal++
    }
    return larger + Math.min(equal, ties)
  }

  #fillMasses(size: number): number {
    const { logits, masses } = this.#memory
    return kernel.expInto64(logits, size, this.max(), this.#temperature, masses)
  }

  /** What the kernel collected of the dense row is all that is in play from here on. */
  #become(size: number): void {
    this.#isDense = false
    this.#size = size
    this.#forget()
  }

  #forget(): void {
    this.#max = undefined
    this.#sum = undefined
  }

  #remove(index: number): void {
    this.ids.copyWithin(index, index + 1, this.#size)
    this.logits.copyWithin(index, index + 1, this.#size)
    this.#size--
  }

  /** Where a survivor is in the arrays; −1 when the token is not in play. */
  indexOf(id: number): number {
    let low = 0
    let high = this.#size - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = this.ids[middle]!
      if (found === id) return middle
      if (found < id) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  /** The dense row, for a draw; nothing when the tokens in play are survivors. */
  get dense(): Dense | undefined {
    return this.#isDense ? this.#dense : undefined
  }
}
