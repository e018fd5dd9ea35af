import type { Pausing } from '../../algorithms/pausing.ts'
import type { RowMemory } from '../../kernel/memory.ts'
import type { Logits } from '../../tensors/candidates.ts'
import * as changes from './changes.ts'
import * as cuts from './cuts.ts'
import type { Dense } from './dense.ts'
import { InPlay } from './in-play.ts'
import * as ranking from './ranking.ts'
import { keepShare } from './shares.ts'
import * as statistics from './statistics.ts'
import type { Tokens } from './tokens.ts'

export type { Observed } from './statistics.ts'
export type { Tokens } from './tokens.ts'

/**
 * One row's tokens still in play, as samplers see them.
 *
 * Logits stay as they came. A temperature is only remembered, and divides differences to the largest
 * logit where probabilities are needed, so no temperature overflows, however small. Cuts compare such
 * differences too: a threshold added to a large logit would be rounded away.
 *
 * Tokens are ranked by (logit descending, id ascending). Every `keep…` method cuts that ranking, and
 * none of them except `keepGreedy`, `keepOnly` and `keepBits` leaves fewer than `minTokensToKeep` tokens. A method
 * that returns work has finished unless the row is very large; then the work goes on in parts.
 */
export class Row {
  readonly #row: InPlay

  constructor(memory: RowMemory) {
    this.#row = new InPlay(memory)
  }

  attach(memory: RowMemory): void {
    this.#row.attach(memory)
  }

  /**
   * Start from raw logits; tokens at −∞ are not in play. Throws a `FaultyLogit`. `mayChange` says that nobody
   * reads the logits after this row.
   */
  load(logits: Logits, mayChange = false): void {
    this.#row.load(logits, mayChange)
  }

  /** How many tokens the vocabulary has. */
  get vocabSize(): number {
    return this.#row.vocabSize
  }

  /** Whether no token was in play from the start. */
  get cameEmpty(): boolean {
    return this.#row.cameEmpty
  }

  get isEmpty(): boolean {
    return this.max() === Number.NEGATIVE_INFINITY
  }

  get minTokensToKeep(): number {
    return this.#row.minTokensToKeep
  }

  set minTokensToKeep(count: number) {
    this.#row.minTokensToKeep = count
  }

  /** What was subtracted from every logit, so that a small change of one is not rounded away; mostly 0. */
  get shift(): number {
    return this.#row.shift
  }

  set shift(shift: number) {
    this.#row.shift = shift
  }

  /**
   * How many tokens the list of an engine has that leaves masked tokens in it: those in play, and those
   * that were masked but that no filter has cut.
   */
  get listed(): number {
    return this.#row.listed
  }

  set listed(count: number) {
    this.#row.listed = count
  }

  /** The logit from which the last cut of a ranking by logit kept tokens. */
  get threshold(): number | undefined {
    return this.#row.threshold
  }

  set threshold(logit: number | undefined) {
    this.#row.threshold = logit
  }

  get temperature(): number {
    return this.#row.temperature
  }

  set temperature(temperature: number) {
    changes.setTemperature(this.#row, temperature)
  }

  // The tokens one by one: the first `size` entries, after `gather`.

  /** How many tokens in play are known; of a whole row that is all of them. */
  get size(): number {
    return this.#row.tokens.count()
  }

  /** Ascending. */
  get ids(): Uint32Array {
    return this.#row.views.ids
  }

  get logits(): Float64Array {
    return this.#row.views.logits
  }

  /** exp((logit − max) / temperature) of each token, after `totalMass`. */
  get masses(): Float64Array {
    return this.#row.views.masses
  }

  /** The dense row, for a draw; nothing when the tokens in play are survivors. */
  get dense(): Dense | undefined {
    return this.#row.isDense ? this.#row.dense : undefined
  }

  /** Make survivors of all tokens in play. */
  gather(): void {
    this.#row.gather()
  }

  /** The index of a token in the arrays; −1 when it is not in play. */
  indexOf(id: number): number {
    return this.#row.survivors.indexOf(id)
  }

  // What a sampler decides by. A row that does not know the number exactly is not the whole row's from then on.

  /** How many tokens are in play. */
  countInPlay(): number {
    this.#row.coverage.needEach()
    return this.size
  }

  /** Whether at least `count` tokens are in play. This may be known even if not all of them are. */
  hasAtLeast(count: number): boolean {
    return count <= this.size || count <= this.countInPlay()
  }

  max(): number {
    return this.#row.tokens.max()
  }

  /** −∞ when the token is not in play. */
  logitOf(id: number): number {
    return this.#row.tokens.logitOf(id)
  }

  /** Add the masses up, of very many tokens in parts: their sums are known from then on. */
  addUp(): Pausing {
    return statistics.addUp(this.#row)
  }

  /** Σ exp((logit − max) / temperature). */
  totalMass(): number {
    return statistics.totalMass(this.#row)
  }

  /** The natural logarithm of that sum, precise also where one token is nearly certain. */
  logTotal(): number {
    return statistics.logTotal(this.#row)
  }

  /** The natural logarithm of the probability of a token with this logit; of one in play it is finite. */
  logprob(logit: number): number {
    return statistics.logprob(this.#row, logit)
  }

  /** −Σ p ln p, in nats. */
  entropy(): number {
    return statistics.entropy(this.#row)
  }

  /** Σ p (logit − max) / temperature: how far a token is expected to be below the most likely one. */
  meanDistance(): number {
    return statistics.meanDistance(this.#row)
  }

  /** Σ p², the chance that two draws agree. */
  collision(): number {
    return statistics.collision(this.#row)
  }

  /** The first `count` tokens of the ranking, in its order. */
  ranked(count: number): Pausing<Tokens> {
    return ranking.ranked(this.#row, count)
  }

  /** The `count` largest logits, descending. */
  largest(count: number): Pausing<Float64Array> {
    return ranking.largest(this.#row, count)
  }

  /** The ranks of tokens in play. The caller gives the tokens in the order of the ranking; rank 1 is the most likely. */
  ranksOf(tokens: Tokens): Pausing<Uint32Array> {
    return ranking.ranksOf(this.#row, tokens)
  }

  /** The tokens at least this likely, ids ascending. */
  tokensFrom(probability: number): Pausing<Tokens> {
    return ranking.tokensFrom(this.#row, probability)
  }

  // What a sampler does.

  /** Keep the most likely token alone, the lowest id among equals. */
  keepGreedy(): void {
    cuts.keepGreedy(this.#row)
  }

  /** Keep the first `count` tokens of the ranking; with `allTies` those equal to the last of them too. At least `atLeast` stay. */
  keepTop(count: number, allTies = false, atLeast = this.minTokensToKeep): Pausing | undefined {
    return cuts.keepTop(this.#row, count, allTies, atLeast)
  }

  /**
   * Keep the tokens at most `distance` units below the most likely one; a unit is a logit's temperature,
   * and the distance in nats, unless another one is given. At least `atLeast` stay.
   */
  keepWithin(
    distance: number,
    unit = this.temperature,
    atLeast = this.minTokensToKeep,
  ): Pausing | undefined {
    return cuts.keepWithin(this.#row, distance, unit, atLeast)
  }

  /** Keep the tokens whose logit is at most this many standard deviations below the largest. */
  keepWithinDeviations(count: number, atLeast = this.minTokensToKeep): Pausing | undefined {
    return cuts.keepWithinDeviations(this.#row, count, atLeast)
  }

  /**
   * Keep the tokens at least this likely. If they are too few, the most likely tokens stay instead: as many as must be
   * or, with `allTies`, all that are as likely as the last of those.
   */
  keepLikely(probability: number, allTies = false): Pausing | undefined {
    return cuts.keepLikely(this.#row, probability, allTies)
  }

  /** Keep the shortest prefix of the ranking that holds at least this share of the probability. */
  keepMass(share: number): Pausing {
    return keepShare(this.#row, { share, strict: false, allTies: false })
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
    return keepShare(this.#row, { share, center, ...rules })
  }

  /**
   * Leave only these tokens in play, of those that are. With `force`, if none is, they are put in play
   * with equal logits.
   */
  keepOnly(allowed: Uint32Array, force = false): Pausing {
    return changes.keepOnly(this.#row, allowed, force)
  }

  /** Leave only tokens in play whose bit is set: bit `id & 31` of word `id >> 5`. */
  keepBits(words: Int32Array): void {
    changes.keepBits(this.#row, words)
  }

  /** Take tokens out of play. */
  remove(ids: Uint32Array): Pausing | undefined {
    return changes.remove(this.#row, ids)
  }

  /**
   * Put tokens back in play, ids ascending: with the natural logarithm of what each weighs, where those in
   * play now weigh 1 together.
   */
  putBack(ids: Uint32Array, logprobs: Float64Array): Pausing {
    return changes.putBack(this.#row, ids, logprobs)
  }

  /** Change the logit of a token in play; −∞ takes it out. One out of play stays so. */
  setLogit(id: number, logit: number): void {
    changes.setLogit(this.#row, id, logit)
  }

  /** Add to the tempered logit of a token; −∞ takes it out of play. */
  add(id: number, bias: number): void {
    changes.add(this.#row, id, bias)
  }

  /** A token that is not in play would be more likely now, if a sparse row has only left it out. */
  raiseUnseen(id: number): void {
    changes.raiseUnseen(this.#row, id)
  }

  /** Give every token in play another logit, counted as they are (`shift`). */
  map(toLogit: (logit: number, mass: number) => number): Pausing {
    return changes.map(this.#row, toLogit)
  }

  /** Count logits from the largest, unless that would round one. */
  countFromLargest(): void {
    changes.countFromLargest(this.#row)
  }

  // What is reported after the samplers.

  /**
   * No sampler comes after this. Returns whether the distribution is that of the whole row, or relative to the
   * tokens a sparse row was given: with `givenAlone` it is, unless the others have no mass.
   */
  settle(givenAlone: boolean): 'full' | 'candidates' {
    statistics.checkCoverage(this.#row)
    return this.#row.coverage.settle(givenAlone)
  }

  /**
   * The probability in the whole row's distribution of the tokens in play that a sparse row was given;
   * nothing where it is not known.
   */
  givenMass(): number | undefined {
    return statistics.givenMass(this.#row)
  }

  /** A look at the row that decides nothing: the tokens known to be in play, and what the others weigh. */
  observe(): Pausing<statistics.Observed> {
    return statistics.observe(this.#row)
  }
}
