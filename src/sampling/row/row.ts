import { oncePer, oncePerWork } from '../../algorithms/once.ts'
import { LARGE, PART, type Pausing } from '../../algorithms/pausing.ts'
import { reusable } from '../../algorithms/reusable.ts'
import { type Cut, cutByWeight } from '../../algorithms/select.ts'
import { descending, sortIds } from '../../algorithms/sort.ts'
import { exp, kernel, log, log1p } from '../../kernel/index.ts'
import type { RowMemory } from '../../kernel/memory.ts'
import type { Candidates, Logits } from '../../tensors/candidates.ts'
import { Elements } from '../../tensors/elements.ts'
import { firstMaximum, loadRow } from '../../tensors/load.ts'
import type { Tokens } from './aside.ts'
import { Dense, type MassSum, mergeTokens, restOf, TAIL_ERROR } from './dense.ts'
import { Unseen } from './unseen.ts'

/** A vocabulary smaller than this is all survivors from the start: float64 throughout. */
const DENSE_FROM = 4096

/** No logit goes beyond this, so that no product of two leaves float64. */
const LARGEST = 1e150

/** From this temperature on logits are divided by it at once, so that no product with it leaves float64 either. */
const HOTTEST = 1e100

function bounded(logit: number): number {
  return Math.min(LARGEST, Math.max(-LARGEST, logit))
}

/** From a logit this many temperatures large, a change of one temperature would lose digits when it is added. */
const COARSE = 2 ** 20

/** More tokens than this are not worth setting aside one by one in a dense row. */
const FEW = 64

/** How many of the most likely tokens to look among for a cut, before all. */
const REACHES = [256, 4096]

/** Of tokens as near to a center, the likelier ones come first; so near that rounding decides counts as equal. */
const ABOVE_FIRST = 1 + 1e-14

/** Nearer to a center than this, in nats, tokens are as near. */
const SAME = 1e-25

/** Relative error of a dense row's standard deviation, and of float32, with room to spare. */
const DEVIATION_ERROR = 1e-6

/** The square of a number above this is an ordinary one. */
const FAINTEST = 1e-100

/** Rounding shall not drop a token at the bound, as is each of two at twice their standard deviation. */
const ROUNDED_UP = 1 + 1e-12

/** How many tokens are looked for in a ranking in one go. */
const FEW_RANKED = 2 ** 13

const nearnessOf = reusable()

const sorted = oncePer((ids: Uint32Array) => {
  const ascending = isAscending(ids) ? ids.slice() : sortIds(ids.slice())
  let count = 0
  for (let i = 0; i < ascending.length; i++) {
    if (i === 0 || ascending[i] !== ascending[count - 1]) ascending[count++] = ascending[i]!
  }
  return ascending.subarray(0, count)
})

/** The same of very many ids, by a mark for each id there may be. */
const marked = oncePerWork(function* (ids: Uint32Array): Pausing<Uint32Array> {
  let largest = 0
  for (let i = 0; i < ids.length; i++) {
    if (i % LARGE === LARGE - 1) yield
    if (ids[i]! > largest) largest = ids[i]!
  }
  const isThere = new Uint8Array(largest + 1)
  for (let i = 0; i < ids.length; i++) {
    if (i % LARGE === LARGE - 1) yield
    isThere[ids[i]!] = 1
  }
  const ascending = new Uint32Array(Math.min(ids.length, isThere.length))
  let count = 0
  for (let id = 0; id < isThere.length; id++) {
    if (id % LARGE === LARGE - 1) yield
    if (isThere[id] === 1) ascending[count++] = id
  }
  return ascending.subarray(0, count)
})

function isAscending(ids: Uint32Array): boolean {
  for (let i = 1; i < ids.length; i++) if (ids[i]! < ids[i - 1]!) return false
  return true
}

export type { Tokens } from './aside.ts'

/** How tokens are ranked for a cut by share. */
interface Ranking {
  /** Of the survivors, larger is kept first. Where they are not there yet, `fill` writes some of them. */
  keys(): Float64Array
  fill?(keys: Float64Array, start: number, end: number): void
  /** Leave out the least likely tokens of a dense row, with at most this mass; whether it could tell which. */
  dropTail?(allowance: number, doubt: number): boolean
  /** Whether the cut lies among the tokens from the logit `reached` up. */
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
 * logit where probabilities are needed. So no temperature, however small, overflows. Cuts compare such
 * differences too: a threshold added to a large logit would be rounded away.
 *
 * Tokens are ranked by (logit descending, id ascending). Every `keep…` method cuts that ranking, and
 * none of them except `keepGreedy`, `keepOnly` and `keepBits` leaves fewer than `minTokensToKeep` tokens.
 */
export class Row {
  vocabSize = 0
  minTokensToKeep = 1
  /** What was subtracted from every logit, so that a small change of one is not rounded away; mostly 0. */
  shift = 0
  /**
   * How many tokens the list of an engine has that leaves masked tokens in it: those in play, and those
   * that were masked but that no filter has cut.
   */
  listed = 0
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
    this.shift = 0
    this.#unseen = undefined
    this.#isExact = true
    this.#isSettled = false
    this.#isDense = false
    this.#pending = undefined
    this.#forget()
    const all = logits instanceof Elements ? logits : logits.all
    this.vocabSize = all ? all.length : (logits as Candidates).vocabSize
    this.listed = this.vocabSize
    if (!all) {
      this.#loadCandidates(logits as Candidates)
    } else if (all.length >= DENSE_FROM) {
      this.#isDense = true
      this.#pending = all
    } else {
      loadRow(all, this.#memory)
      this.#loadSurvivors(this.#memory.views.row.subarray(0, all.length))
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
    const { ids, values } = candidates
    this.ids.set(ids)
    this.logits.set(values)
    this.#size = ids.length
    this.#dropMasked()
    this.cameEmpty = this.#size === 0
    const unseen = new Unseen(candidates)
    // Those left out are no more likely, and so not in play.
    if (unseen.floor > Number.NEGATIVE_INFINITY) this.#unseen = unseen
  }

  /**
   * No sampler comes after this. Whether the distribution is that of the whole row, or relative to the
   * tokens a sparse row was given: with `givenAlone` it is, unless the others have no mass.
   */
  settle(givenAlone: boolean): 'full' | 'candidates' {
    this.#checkMass()
    this.#isSettled = true
    const isRelative = givenAlone && this.#unseen?.logMass(0) !== Number.NEGATIVE_INFINITY
    if (this.#unseen && (isRelative || !this.#unseen.isWeighed || !this.#unseen.isExact)) {
      this.#isExact = false
    }
    if (!this.#isExact) this.#leaveUnseen()
    return this.#isExact ? 'full' : 'candidates'
  }

  /**
   * The probability in the whole row's distribution of the tokens in play that a sparse row was given;
   * nothing where it is not known.
   */
  givenMass(): number | undefined {
    this.#checkMass()
    if (!this.#unseen) return this.#isExact ? 1 : undefined
    if (!this.#unseen.isWeighed) return undefined
    const logGiven = log(this.#fillMasses(this.#size))
    return 1 / (1 + exp(this.#unseen.logMass(this.#largest()) - logGiven))
  }

  /** A decision needs to know every token in play. */
  #needEach(): void {
    if (this.#isSettled || !this.#unseen) return
    this.#unseen.miss()
    this.#sum = undefined
  }

  /** Some of the tokens that a sparse row leaves out have changed. */
  #blurUnseen(): void {
    this.#unseen?.blur()
    this.#sum = undefined
  }

  /** A cut reaches down to where tokens are that a sparse row leaves out. */
  #cutUnsurely(): void {
    this.#unseen?.cutUnsurely()
    this.#sum = undefined
  }

  /** The tokens a sparse row leaves out are not in play any more; a cut above them settles what cuts before it left open. */
  #leaveUnseen(byCut = false): void {
    if (this.#unseen && !(this.#unseen.isExact && (byCut || !this.#unseen.isUnsureCut))) {
      this.#isExact = false
    }
    this.#unseen = undefined
    this.#sum = undefined
  }

  /** Their mass is the difference of two sums: where little of both is left in play, it is not known. */
  #checkMass(): void {
    if (!this.#unseen?.isWeighed) return
    const total = this.#fillMasses(this.#size) + exp(this.#unseen.logMass(this.#largest()))
    if (this.#unseen.isDoubtful(this.#largest(), total)) this.#blurUnseen()
  }

  /**
   * After a cut of the ranking at this logit. The tokens left out are gone if none reaches it; of those
   * that equal it, `lastTie` is the last one kept, behind which none of them has its place.
   */
  #cutUnseen(threshold: number, lastTie?: number): void {
    if (!this.#unseen) return
    const floor = this.#unseen.floor - this.shift
    const { isUnsureCut } = this.#unseen
    const isBehind = lastTie !== undefined && !isUnsureCut && !this.#unseen.hasBelow(lastTie)
    if (floor < threshold || (floor === threshold && isBehind)) this.#leaveUnseen(true)
    else this.#cutUnsurely()
  }

  /** The largest logit as it was before a shift. */
  #largest(): number {
    return this.max() + this.shift
  }

  /** After a cut that leaves at least so many entries of an engine's list, masked ones among them. */
  #cutList(atLeast: number): void {
    this.listed = Math.max(this.#known, Math.min(this.listed, atLeast))
  }

  /** How many tokens are in play. */
  get size(): number {
    this.#needEach()
    return this.#known
  }

  /** Whether at least so many tokens are in play, which need not take every one to be known. */
  hasAtLeast(count: number): boolean {
    return count <= this.#known || count <= this.size
  }

  /** How many tokens in play are known. */
  get #known(): number {
    return this.#isDense ? this.#dense.size : this.#size
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
    if (temperature !== this.#temperature) this.#blurUnseen()
    this.#temperature = temperature
    this.#sum = undefined
    if (temperature >= HOTTEST) this.#divide(temperature)
  }

  /** Make the temperature a part of the logits. */
  #divide(temperature: number): void {
    // What is left out has no known logits to divide.
    this.#needEach()
    this.gather()
    for (let i = 0; i < this.#size; i++) this.logits[i]! /= temperature
    this.shift /= temperature
    this.#temperature = 1
    this.#forget()
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

  /** The natural logarithm of that sum, precise also where one token is nearly certain. */
  logTotal(): number {
    const { total, rest } = this.#normalised()
    if (total < 2) return log1p(rest)
    const isBeyond = total === Number.POSITIVE_INFINITY && this.#unseen
    return isBeyond ? isBeyond.logMass(this.#largest()) : log(total)
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

  /** Add the masses up, of very many tokens part by part: the sum is known from then on. */
  *addUp(): Pausing {
    if (this.#sum === undefined && this.vocabSize > LARGE) {
      if (this.max() > Number.NEGATIVE_INFINITY && this.#isDense) {
        yield
        this.#isWeighed = false
        this.#sum = yield* this.#dense.sumExpInParts(this.#temperature)
      }
      yield
    }
    this.#normalised()
  }

  #sumSurvivors(weigh: boolean): MassSum {
    this.#checkMass()
    const sum = this.#sumGiven(weigh)
    if (!this.#unseen) return sum
    const unseen = this.#unseenMass()
    return { ...sum, total: sum.total + unseen, rest: sum.rest + unseen }
  }

  #sumGiven(weigh: boolean): MassSum {
    const total = this.#fillMasses(this.#size)
    return this.#sumOf(total, weigh ? this.#weighSurvivors() : 0)
  }

  #sumOf(total: number, weighted: number): MassSum {
    const rest = total < 2 ? restOf(this.masses, this.#size) : total - 1
    return { total, rest, tail: 0, weighted }
  }

  #unseenMass(): number {
    if (!this.#unseen) return 0
    if (!this.#isSettled) this.#unseen.missMass()
    return exp(this.#unseen.logMass(this.#largest()))
  }

  /** −Σ p ln p, in nats; of the tokens given where a sparse row leaves others out. */
  entropy(): number {
    this.#needEach()
    return entropyOf(this.#unseen ? this.#sumGiven(true) : this.#normalised(true))
  }

  /** A look at the row that decides nothing: the tokens known to be in play, and what the others weigh. */
  *observe() {
    this.gather()
    const size = this.#size
    if (size > PART) yield
    const mass = this.#fillMasses(size)
    if (size > PART) yield
    const sum = this.#sumOf(mass, this.#weighSurvivors())
    if (size > PART) yield
    const unseen = this.#unseen && size > 0 ? exp(this.#unseen.logMass(this.#largest())) : 0
    const ids = this.ids.slice(0, size)
    if (size > PART) yield
    return {
      ids,
      masses: this.masses.slice(0, size),
      unseen,
      total: sum.total + unseen,
      entropy: size === 0 ? 0 : entropyOf(sum),
    }
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

  /** The first `count` tokens of the ranking, in its order. */
  *ranked(count: number): Pausing<Tokens> {
    const wanted = Math.min(count, this.#known)
    const { size, threshold } = yield* this.#reaching(wanted)
    this.#needAbove(count, threshold)
    const { ids, logits } = this.#tokensFrom(threshold, size)
    yield
    const order = (yield* descending(logits)).subarray(0, wanted)
    yield
    const ranked = { ids: new Uint32Array(order.length), logits: new Float64Array(order.length) }
    for (let i = 0; i < order.length; i++) {
      if (i % PART === PART - 1) yield
      ranked.ids[i] = ids[order[i]!]!
      ranked.logits[i] = logits[order[i]!]!
    }
    return ranked
  }

  /** A logit that so many tokens in play reach, and among how many entries of the arrays they are. */
  *#reaching(count: number): Pausing<{ size: number; threshold: number }> {
    if (count === 0) return { size: 0, threshold: Number.POSITIVE_INFINITY }
    if (count < this.#known) return this.#cutAtRank(count)
    const size = this.#collectFrom(Number.NEGATIVE_INFINITY)
    yield
    let threshold = Number.POSITIVE_INFINITY
    for (let i = 0; i < size; i++) if (this.logits[i]! < threshold) threshold = this.logits[i]!
    return { size, threshold }
  }

  /** The first entries of the arrays are now all tokens in play from this logit up, and maybe some more. */
  #collectFrom(logit: number): number {
    return this.#isDense ? this.#dense.collect(logit) : this.#size
  }

  /** Copies of those from this logit up among the first `size` entries of the arrays. */
  #tokensFrom(threshold: number, size: number): Tokens {
    const ids = new Uint32Array(size)
    const logits = new Float64Array(size)
    let count = 0
    for (let i = 0; i < size; i++) {
      const logit = this.logits[i]!
      if (logit < threshold) continue
      ids[count] = this.ids[i]!
      logits[count++] = logit
    }
    return { ids: ids.subarray(0, count), logits: logits.subarray(0, count) }
  }

  /** The places in the ranking of some tokens in play, which come in its order; 1 is the most likely. */
  *ranksOf(tokens: Tokens): Pausing<Uint32Array> {
    const { length } = tokens.ids
    const ranks = new Uint32Array(length + 1)
    if (length === 0) return ranks
    const least = tokens.logits[length - 1]!
    const size = this.#collectFrom(least)
    yield
    for (let start = 0; start < size; start += FEW_RANKED) {
      const end = Math.min(size, start + FEW_RANKED)
      for (let i = start; i < end; i++) {
        if (this.logits[i]! >= least) ranks[firstBehind(tokens, this.ids[i]!, this.logits[i]!)]!++
      }
      yield
    }
    let rank = 1
    for (let i = 0; i < length; i++) {
      rank += ranks[i]!
      ranks[i] = rank
    }
    return ranks
  }

  /** The `count` largest logits, descending. */
  *largest(count: number): Pausing<Float64Array> {
    const wanted = Math.min(count, this.#known)
    if (wanted === 0) return new Float64Array(0)
    const { size, threshold } = this.#cutAtRank(wanted)
    if (size > LARGE) yield
    this.#needAbove(count, threshold)
    return this.#tokensFrom(threshold, size).logits.sort().reverse().subarray(0, wanted)
  }

  /** A decision needs to know so many tokens, of which the last one known has this logit. */
  #needAbove(count: number, logit: number): void {
    if (!this.#unseen) return
    if (count > this.#known || logit < this.#unseen.floor - this.shift) this.#needEach()
  }

  /** The tokens at least this likely, ids ascending. */
  *tokensFrom(probability: number): Pausing<Tokens> {
    const distance = this.#distanceOf(probability)
    const max = this.max()
    if (
      this.#unseen &&
      isWithin(this.#unseen.floor - this.shift, max, distance, this.#temperature)
    ) {
      this.#needEach()
    }
    const isLarge = this.vocabSize > LARGE
    if (isLarge) yield
    const size = this.#collectWithin(distance, this.#temperature)
    if (isLarge) yield
    const ids = new Uint32Array(size)
    const logits = new Float64Array(size)
    let count = 0
    for (let i = 0; i < size; i++) {
      const logit = this.logits[i]!
      if (!isWithin(logit, max, distance, this.#temperature)) continue
      ids[count] = this.ids[i]!
      logits[count++] = logit
    }
    return { ids: ids.subarray(0, count), logits: logits.subarray(0, count) }
  }

  /** The natural logarithm of the probability of a token with this logit; of one in play it is finite. */
  logprob(logit: number): number {
    const logprob = (logit - this.max()) / this.#temperature - this.logTotal()
    const isInPlay = logit > Number.NEGATIVE_INFINITY
    return isInPlay ? Math.max(logprob, -Number.MAX_VALUE) : logprob
  }

  /** Σ p (logit − max) / temperature: how far a token is expected to be below the most likely one. */
  meanDistance(): number {
    this.#needEach()
    const { weighted, total } = this.#normalised(true)
    return weighted / total
  }

  /**
   * How many nats below the most likely token one of this probability is. A product before the
   * logarithm, so that 1 / n is the probability of n equal tokens, whatever n.
   */
  #distanceOf(probability: number): number {
    return -log(probability * this.normalise())
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
  #deviation(): number {
    this.#needEach()
    if (this.#isDense) return this.#dense.deviation()
    const { logits } = this
    const size = this.#size
    const max = this.max()
    let sum = 0
    let least = 0
    for (let i = 0; i < size; i++) {
      const d = logits[i]! - max
      sum += d
      if (d < least) least = d
    }
    const mean = sum / size
    // Squares of these would leave float64 at either end.
    const unit = least > -FAINTEST ? -least : 1
    if (unit === 0) return 0
    let squares = 0
    for (let i = 0; i < size; i++) {
      const d = (logits[i]! - max - mean) / unit
      squares += d * d
    }
    return unit * Math.sqrt(squares / size)
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
      if (this.#unseen?.has(id)) this.#blurUnseen()
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
    if (bias === 0) return
    let logit = this.logitOf(id)
    if (logit === Number.NEGATIVE_INFINITY) {
      if (bias > 0) this.raiseUnseen(id)
      else if (this.#unseen?.has(id)) this.#blurUnseen()
    } else if (bias === Number.NEGATIVE_INFINITY) {
      this.#put(id, bias)
    } else {
      if (this.#isCoarse(logit)) {
        this.countFromLargest()
        logit = this.logitOf(id)
      }
      this.#put(id, bounded(logit + bias * this.#temperature))
    }
  }

  /** Whether a logit is so large that a small change of it would be rounded away. */
  #isCoarse(logit: number): boolean {
    return Math.abs(logit) >= COARSE * this.#temperature
  }

  /**
   * Count logits from the largest, so that a small change near it is not rounded away; unless that would
   * itself round one.
   */
  countFromLargest(): void {
    const max = this.max()
    if (max === 0) return
    this.gather()
    const { logits } = this
    const size = this.#size
    for (let i = 0; i < size; i++) if (logits[i]! - max + max !== logits[i]) return
    for (let i = 0; i < size; i++) logits[i]! -= max
    this.shift += max
    this.#forget()
  }

  /** A token that is not in play would be more likely now, if a sparse row has only left it out. */
  raiseUnseen(id: number): void {
    if (this.#unseen?.has(id)) this.#needEach()
  }

  /** Take tokens out of play. */
  remove(ids: Uint32Array): Pausing | undefined {
    if (ids.length === 0) return undefined
    if (this.#unseen?.isWeighed && ids.some((id) => this.#unseen!.has(id))) this.#blurUnseen()
    if (ids.length > LARGE) return this.#removeMany(ids)
    if (this.#isDense) {
      this.#dense.remove(ids)
    } else if (ids.length > FEW) {
      this.#keepWhere(sorted(ids), false)
    } else {
      for (let i = 0; i < ids.length; i++) {
        const index = this.indexOf(ids[i]!)
        if (index >= 0) this.logits[index] = Number.NEGATIVE_INFINITY
      }
      this.#dropMasked()
    }
    this.#forget()
    return undefined
  }

  *#removeMany(ids: Uint32Array): Pausing {
    for (let start = 0; this.#isDense && start < ids.length; start += LARGE) {
      this.#dense.remove(ids.subarray(start, start + LARGE))
      yield
    }
    if (!this.#isDense) this.#keepWhere(yield* marked(ids), false)
    this.#forget()
  }

  /**
   * Put tokens back in play, ids ascending: with the natural logarithm of what each weighs, where those in
   * play now weigh 1 together.
   */
  *putBack({ ids, logprobs }: { ids: Uint32Array; logprobs: Float64Array }): Pausing {
    if (this.#isCoarse(this.max())) this.countFromLargest()
    const max = this.max()
    const logTotal = this.logTotal()
    const logits = new Float64Array(ids.length)
    for (let i = 0; i < ids.length; i++) {
      logits[i] = bounded(max + this.#temperature * (logprobs[i]! + logTotal))
    }
    if (ids.length > PART) yield
    if (ids.length > FEW) this.gather()
    if (this.#isDense) for (let i = 0; i < ids.length; i++) this.#dense.putBack(ids[i]!, logits[i]!)
    else this.#size = mergeTokens(this, this.#size, { ids, logits })
    this.#forget()
  }

  /** Leave only survivors that are among these ids, which ascend, or only those that are not. */
  #keepWhere(listed: Uint32Array, isKept: boolean): void {
    const { ids, logits } = this
    const size = this.#size
    // Of a list much longer than the row, most would be passed over.
    const isFar = listed.length > 16 * size
    let next = 0
    let kept = 0
    for (let i = 0; i < size; i++) {
      const id = ids[i]!
      if (isFar) next = firstFrom(listed, id)
      else while (next < listed.length && listed[next]! < id) next++
      if ((listed[next] === id) !== isKept) continue
      ids[kept] = id
      logits[kept] = logits[i]!
      kept++
    }
    this.#size = kept
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

  /**
   * Leave only these tokens in play, of those that are. With `force`, if none is, they are put in play
   * with equal logits.
   */
  *keepOnly(allowed: Uint32Array, force = false): Pausing {
    const isLarge = allowed.length > PART
    const isKnown = !this.#unseen || !allowed.some((id) => this.#unseen!.has(id))
    if (isKnown) this.#leaveUnseen()
    else this.#blurUnseen()
    if (this.#isDense) {
      const ids = allowed.length > LARGE ? yield* marked(allowed) : sorted(allowed)
      if (isLarge) yield
      const logits = new Float64Array(ids.length)
      for (let i = 0; i < ids.length; i++) logits[i] = this.#dense.logitOf(ids[i]!)
      if (isLarge) yield
      this.#replace(ids, logits)
      this.#dropMasked()
    } else {
      this.#keepWhere(allowed.length > LARGE ? yield* marked(allowed) : sorted(allowed), true)
      this.#forget()
    }
    if (force && isKnown && this.#size === 0) {
      const ids = sorted(allowed)
      this.#replace(ids, new Float64Array(ids.length))
    }
  }

  #replace(ids: Uint32Array, logits: Float64Array): void {
    this.#become(ids.length)
    this.ids.set(ids)
    this.logits.set(logits)
  }

  /** Leave only tokens in play whose bit is set: bit `id & 31` of word `id >> 5`. */
  keepBits(words: Int32Array): void {
    const allowed = this.#unseen?.allowedBy(words, this.vocabSize)
    if (allowed === 'none') this.#leaveUnseen()
    else if (allowed === 'some') this.#blurUnseen()
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

  /** Give every token in play another logit, counted as they are (`shift`). */
  *map(toLogit: (logit: number, mass: number) => number): Pausing {
    this.#needEach()
    this.gather()
    if (this.vocabSize > LARGE) yield
    yield* this.addUp()
    this.normalise()
    const { logits, masses } = this
    for (let start = 0; start < this.#size; start += PART) {
      if (start > 0) yield
      const end = Math.min(this.#size, start + PART)
      for (let i = start; i < end; i++) logits[i] = bounded(toLogit(logits[i]!, masses[i]!))
    }
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
    this.#cutUnseen(logit, id)
    this.#become(logit > Number.NEGATIVE_INFINITY ? 1 : 0)
    this.ids[0] = id
    this.logits[0] = logit
  }

  #mostLikely(): { id: number; logit: number } {
    const logit = this.max()
    const id = this.#isDense ? this.#dense.indexOfMax() : this.ids[this.logits.indexOf(logit)]!
    return { id, logit }
  }

  /**
   * Keep the tokens at most `distance` units below the most likely one; a unit is a logit's temperature,
   * and the distance in nats, unless another one is given. At least so many stay.
   */
  keepWithin(
    distance: number,
    unit = this.#temperature,
    atLeast = this.minTokensToKeep,
  ): Pausing | undefined {
    if (distance === Number.POSITIVE_INFINITY) return undefined
    const size = this.#collectWithin(distance, unit)
    if (size > LARGE) return this.#keepManyWithin(size, distance, unit, atLeast)
    const kept = this.#countWithin(size, distance, unit)
    if (kept < atLeast) return this.keepTop(1, false, atLeast)
    return this.#keepCollected(size, distance, unit, atLeast)
  }

  /** The same where very many are looked at. */
  *#keepManyWithin(size: number, distance: number, unit: number, atLeast: number): Pausing {
    yield
    const kept = this.#countWithin(size, distance, unit)
    yield
    if (kept < atLeast) yield* finish(this.keepTop(1, false, atLeast))
    else this.#keepCollected(size, distance, unit, atLeast)
  }

  #countWithin(size: number, distance: number, unit: number): number {
    const { logits } = this
    const max = this.max()
    let count = 0
    for (let i = 0; i < size; i++) if (isWithin(logits[i]!, max, distance, unit)) count++
    return count
  }

  /** Of the first entries of the arrays, keep those within a distance. */
  #keepCollected(size: number, distance: number, unit: number, atLeast: number): undefined {
    const { ids, logits } = this
    const max = this.max()
    if (this.#isDense) this.#become(size)
    this.threshold = max - distance * unit + this.shift
    let kept = 0
    for (let i = 0; i < size; i++) {
      if (!isWithin(logits[i]!, max, distance, unit)) continue
      ids[kept] = ids[i]!
      logits[kept] = logits[i]!
      kept++
    }
    if (kept < this.#size) {
      this.#size = kept
      this.#sum = undefined
    }
    if (this.#unseen) {
      if (isWithin(this.#unseen.floor - this.shift, max, distance, unit)) this.#cutUnsurely()
      else this.#leaveUnseen(true)
    }
    this.#cutList(atLeast)
  }

  /** Keep the tokens whose logit is at most this many standard deviations below the largest. */
  keepWithinDeviations(count: number, atLeast = this.minTokensToKeep): Pausing | undefined {
    if (this.#isDense) {
      const depth = count * this.#deviation()
      const max = this.max()
      const slack = DEVIATION_ERROR * (depth + Math.abs(max))
      // The kernel's deviation does not tell whether a token as near to the bound is kept.
      if (this.#dense.collect(max - depth - slack, max - depth + slack) > 0) this.gather()
    }
    return this.keepWithin(count * ROUNDED_UP, this.#deviation(), atLeast)
  }

  /** The first entries of the arrays are now all tokens in play within this distance, and maybe some more. */
  #collectWithin(distance: number, unit: number): number {
    if (!this.#isDense) return this.#size
    const max = this.max()
    const depth = distance * unit
    return this.#dense.collect(max - depth - 1e-12 * (Math.abs(max) + Math.abs(depth)))
  }

  /**
   * Keep the tokens at least this likely. Where they are too few, those kept in their stead are as many
   * as must be, or, if `allTies`, all that are as likely as the last of them.
   */
  keepLikely(probability: number, allTies = false): Pausing | undefined {
    let distance = this.#distanceOf(probability)
    if (allTies && this.minTokensToKeep > 1) {
      const last = (this.max() - this.#logitAtRank(this.minTokensToKeep)) / this.#temperature
      distance = Math.max(distance, last)
    } else if (allTies) distance = Math.max(distance, 0)
    return this.vocabSize > LARGE ? this.#keepLater(distance) : this.keepWithin(distance)
  }

  *#keepLater(distance: number): Pausing {
    yield
    yield* finish(this.keepWithin(distance))
  }

  /**
   * Keep the first `count` tokens of the ranking, or `atLeast` if that is more; with `allTies` those
   * equal to the last of them too.
   */
  keepTop(count: number, allTies = false, atLeast = this.minTokensToKeep): Pausing | undefined {
    count = Math.max(count, atLeast)
    const isBeyond = this.#isDense ? allTies && count >= this.#known : count > this.#size
    if (isBeyond) {
      this.#cutUnsurely()
    } else if (this.#isDense || this.#unseen || count < this.#size) {
      if (this.vocabSize > LARGE) return this.#keepTopInParts(count, allTies)
      this.#keepRanked(this.#cutAtRank(count), allTies)
    }
    this.#cutList(count)
    return undefined
  }

  *#keepTopInParts(count: number, allTies: boolean): Pausing {
    yield
    const cut = this.#cutAtRank(count)
    yield
    this.#keepRanked(cut, allTies)
    this.#cutList(count)
  }

  /** Keep what a cut of the first `size` entries of the arrays says. */
  #keepRanked({ size, ...cut }: Cut & { size: number }, allTies: boolean): void {
    if (this.#isDense) this.#become(size)
    this.#keep(allTies ? { ...cut, ties: size } : cut, this.logits, allTies)
  }

  /** The logit of the `count`-th token of the ranking. */
  #logitAtRank(count: number): number {
    return this.#cutAtRank(count).threshold
  }

  /** Where the ranking is cut after `count` tokens, and how many entries of the arrays that was found among. */
  #cutAtRank(count: number) {
    const size = this.#isDense ? this.#dense.collect(this.#dense.thresholdFor(count)) : this.#size
    return { size, ...cutByWeight(this.logits, undefined, size, count) }
  }

  /** Keep the shortest prefix of the ranking that holds at least this share of the probability. */
  keepMass(share: number): Pausing {
    return this.#keepShare(share, {
      keys: () => this.logits,
      dropTail: (allowance, doubt) => this.#dense.dropTail(allowance, doubt, this.#temperature),
      isWithin: () => true,
      strict: false,
      allTies: false,
    })
  }

  /**
   * Keep the tokens whose distance to the most likely one is nearest to `center`: the fewest that hold at least this share of
   * the probability (more than it, if `strict`), and, if `allTies`, all as near as the last of them.
   */
  keepNearest(
    center: number,
    share: number,
    rules: { strict: boolean; allTies: boolean },
  ): Pausing {
    const max = this.max()
    const temperature = this.#temperature
    const relative = (logit: number) => (logit - max) / temperature - center
    return this.#keepShare(share, {
      keys: () => nearnessOf(this.#size),
      fill: (nearness, start, end) => {
        const { logits } = this
        for (let i = start; i < end; i++) {
          const above = relative(logits[i]!)
          if (Math.abs(above) < SAME) nearness[i] = 0
          else nearness[i] = above > 0 ? -above : above * ABOVE_FIRST
        }
      },
      isWithin: ({ threshold }, reached) => threshold > relative(reached),
      ...rules,
    })
  }

  /**
   * Keep what ranks highest by some keys, up to a share of the probability. Of a dense row, ever more
   * of the most likely tokens become survivors until the cut lies among them (`isWithin` says so of
   * the lowest logit looked at), and is not so close that the kernel's share of the total could decide it.
   */
  *#keepShare(share: number, ranking: Ranking): Pausing {
    const { keys, fill, isWithin, strict, allTies } = ranking
    let { dropTail } = ranking
    const isLarge = this.vocabSize > LARGE
    if (isLarge) yield* this.addUp()
    const { total, tail } = this.#normalised()
    if (isLarge) yield
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
        fill?.(ranked, 0, size)
        const cut = cutByWeight(ranked, this.masses, size, target, strict)
        if (target - cut.before <= doubt || cut.after - target < doubt) break
        const wide = this.#widened(allTies ? { ...cut, ties: size } : cut, ranked)
        if (!isWithin(wide, threshold)) continue
        this.#become(size)
        this.#keep(wide, ranked, allTies)
        this.#cutList(this.minTokensToKeep)
        return
      }
      if (dropTail?.((1 - share) * total, (1 - share) * tail * TAIL_ERROR)) {
        this.#forget()
        this.#cutList(this.minTokensToKeep)
        return
      }
      this.gather()
      if (isLarge) yield
    }
    if (isLarge) yield* this.addUp()
    const all = this.#normalised().total
    if (isLarge) yield
    const target = share * all
    if (this.#unseen && !this.#holds(target, all)) {
      this.#cutUnsurely()
    } else {
      const ranked = keys()
      const part = isLarge ? PART : this.#size
      for (let start = 0; fill && start < this.#size; start += part) {
        fill(ranked, start, Math.min(this.#size, start + part))
        if (isLarge) yield
      }
      const cut = cutByWeight(ranked, this.masses, this.#size, target, strict)
      if (isLarge) yield
      const wide = this.#widened(allTies ? { ...cut, ties: this.#size } : cut, ranked)
      if (isLarge) yield
      this.#keep(wide, ranked, allTies)
    }
    this.#cutList(this.minTokensToKeep)
  }

  /** Whether the tokens given are all that a cut needs which is to keep this part of all the mass. */
  #holds(target: number, all: number): boolean {
    return target <= all - this.#unseenMass() && this.minTokensToKeep <= this.#size
  }

  /** Keep what the cut says; with `allTies` tokens that are left out of a sparse row may equal the last one. */
  #keep(cut: Pick<Cut, 'threshold' | 'ties'>, keys: Float64Array, allTies = false): void {
    const { ids, logits } = this
    const size = this.#size
    const { threshold } = cut
    let { ties } = cut
    let lastTie: number | undefined
    let kept = 0
    for (let i = 0; i < size; i++) {
      const key = keys[i]!
      if (key > threshold || (key === threshold && ties-- > 0)) {
        if (key === threshold) lastTie = ids[i]!
        ids[kept] = ids[i]!
        logits[kept] = logits[i]!
        kept++
      }
    }
    if (keys === logits) {
      this.threshold = threshold + this.shift
      this.#cutUnseen(threshold, allTies ? undefined : lastTie)
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

function* finish(work: Pausing | undefined): Pausing {
  if (work) yield* work
}

/** The first place of ascending ids from which on none is below this one. */
function firstFrom(ids: Uint32Array, id: number): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ids[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}

/** The first of some tokens in the order of the ranking that this one is before; their number if it is behind all. */
function firstBehind({ ids, logits }: Tokens, id: number, logit: number): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = logits[middle]!
    if (logit > other || (logit === other && id < ids[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}

/** Whether a logit is at most this many units below the largest; the largest itself is, unless the distance is negative. */
function isWithin(logit: number, max: number, distance: number, unit: number): boolean {
  return logit === max ? distance >= 0 : (max - logit) / unit <= distance
}

function entropyOf({ total, rest, weighted }: MassSum): number {
  // Rounding may leave a certain row a hair below zero.
  return Math.max(0, (total < 2 ? log1p(rest) : log(total)) - weighted / total)
}
