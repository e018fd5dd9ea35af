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
 * The tokens of one row that are still in play, as samplers see them.
 *
 * Logits stay as they came, and the row remembers its temperature. For probabilities, the temperature divides
 * differences to the largest logit, so no temperature overflows, however small. Cuts compare such differences too,
 * because a threshold added to a large logit would be rounded away.
 *
 * Tokens are ranked by (logit descending, id ascending). Every `keep…` method cuts that ranking, and none of them
 * except `keepGreedy`, `keepOnly` and `keepBits` leaves fewer than `minTokensToKeep` tokens. If a method returns work
 * in parts, the caller must run it. If it returns undefined, it has finished.
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
   * Starts with raw logits. Tokens at −∞ are not in play. Throws a `FaultyLogit` at a NaN or +∞. With `mayChange`,
   * nobody reads the logits after this row, so they may be changed in place.
   */
  load(logits: Logits, mayChange = false): void {
    this.#row.load(logits, mayChange)
  }

  /** The number of tokens in the vocabulary. */
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

  /** The number that is subtracted from every logit, so that a small change of one is not rounded away. Usually 0. */
  get shift(): number {
    return this.#row.shift
  }

  set shift(shift: number) {
    this.#row.shift = shift
  }

  /**
   * The number of tokens in the list of an engine that keeps masked tokens in its list: the tokens in play, and the
   * masked tokens that no filter has cut.
   */
  get listed(): number {
    return this.#row.listed
  }

  set listed(count: number) {
    this.#row.listed = count
  }

  /** The smallest logit that the last cut by logit may keep. */
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

  /** The number of tokens in play, without those that a sparse row leaves out. */
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

  /** The dense row, for a draw; undefined if the tokens in play are survivors. */
  get dense(): Dense | undefined {
    return this.#row.isDense ? this.#row.dense : undefined
  }

  /** Turns all tokens in play into survivors. */
  gather(): void {
    this.#row.gather()
  }

  /** The index of a token in the arrays; −1 if it is not in play. */
  indexOf(id: number): number {
    return this.#row.survivors.indexOf(id)
  }

  // Numbers on which samplers decide. If a number depends on tokens that a sparse row leaves out, the row is no
  // longer exact.

  /** The number of tokens in play. */
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

  /** The logit of a token; −∞ if it is not in play. */
  logitOf(id: number): number {
    return this.#row.tokens.logitOf(id)
  }

  /** Computes the sums of masses, in parts if there are very many tokens. Later calls reuse the sums. */
  addUp(): Pausing {
    return statistics.addUp(this.#row)
  }

  /** Σ exp((logit − max) / temperature). */
  totalMass(): number {
    return statistics.totalMass(this.#row)
  }

  /** The natural logarithm of that sum, also precise if one token is nearly certain. */
  logTotal(): number {
    return statistics.logTotal(this.#row)
  }

  /** The natural logarithm of the probability of a token with this logit. It is finite if the token is in play. */
  logprob(logit: number): number {
    return statistics.logprob(this.#row, logit)
  }

  /** −Σ p ln p, in nats. */
  entropy(): number {
    return statistics.entropy(this.#row)
  }

  /** Σ p (logit − max) / temperature: the expected difference to the most likely token, at most 0. */
  meanDistance(): number {
    return statistics.meanDistance(this.#row)
  }

  /** Σ p², the probability that two draws agree. */
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

  /** The ranks of some tokens in play, which must come in the order of the ranking. Rank 1 is the most likely. */
  ranksOf(tokens: Tokens): Pausing<Uint32Array> {
    return ranking.ranksOf(this.#row, tokens)
  }

  /** The tokens with at least this probability, ids ascending. */
  tokensFrom(probability: number): Pausing<Tokens> {
    return ranking.tokensFrom(this.#row, probability)
  }

  // Methods that change the row.

  /** Keeps only the most likely token; of tied tokens, the lowest id. */
  keepGreedy(): void {
    cuts.keepGreedy(this.#row)
  }

  /**
   * Keeps the first `count` tokens of the ranking, or `atLeast` if that is more. With `allTies` it also keeps the
   * tokens that tie with the last of them.
   */
  keepTop(count: number, allTies = false, atLeast = this.minTokensToKeep): Pausing | undefined {
    return cuts.keepTop(this.#row, count, allTies, atLeast)
  }

  /**
   * Keeps the tokens at most `distance` units below the most likely one, and at least `atLeast` tokens. The default
   * unit is the temperature; the distance is then in nats.
   */
  keepWithin(
    distance: number,
    unit = this.temperature,
    atLeast = this.minTokensToKeep,
  ): Pausing | undefined {
    return cuts.keepWithin(this.#row, distance, unit, atLeast)
  }

  /** Keeps the tokens whose logit is at most this many standard deviations below the largest. */
  keepWithinDeviations(count: number, atLeast = this.minTokensToKeep): Pausing | undefined {
    return cuts.keepWithinDeviations(this.#row, count, atLeast)
  }

  /**
   * Keeps the tokens with at least this probability. If they are fewer than `minTokensToKeep`, it keeps that number
   * of the most likely tokens instead and, with `allTies`, those that tie with the last of them.
   */
  keepLikely(probability: number, allTies = false): Pausing | undefined {
    return cuts.keepLikely(this.#row, probability, allTies)
  }

  /** Keeps the shortest prefix of the ranking that holds at least this share of the probability. */
  keepMass(share: number): Pausing {
    return keepShare(this.#row, { share, strict: false, allTies: false })
  }

  /**
   * Keeps the tokens whose distance to the most likely one is nearest to `center`: the fewest that hold at least this
   * share of the probability (with `strict`, more than it). With `allTies` it also keeps all tokens as near as the
   * last of them.
   */
  keepNearest(
    center: number,
    share: number,
    rules: { strict: boolean; allTies: boolean },
  ): Pausing {
    return keepShare(this.#row, { share, center, ...rules })
  }

  /**
   * Takes all tokens out of play except these. With `force`, if none of these is in play, all of them are put in play
   * with equal logits.
   */
  keepOnly(allowed: Uint32Array, force = false): Pausing {
    return changes.keepOnly(this.#row, allowed, force)
  }

  /** Takes all tokens out of play except those whose bit is set: bit `id & 31` of word `id >> 5`. */
  keepBits(words: Int32Array): void {
    changes.keepBits(this.#row, words)
  }

  /** Takes tokens out of play. */
  remove(ids: Uint32Array): Pausing | undefined {
    return changes.remove(this.#row, ids)
  }

  /**
   * Puts tokens back in play, ids ascending. `logprobs` are the natural logarithms of their masses,
   * relative to the total mass of the tokens in play before.
   */
  putBack(ids: Uint32Array, logprobs: Float64Array): Pausing {
    return changes.putBack(this.#row, ids, logprobs)
  }

  /** Changes the logit of a token in play; −∞ takes it out of play. A token out of play stays out of play. */
  setLogit(id: number, logit: number): void {
    changes.setLogit(this.#row, id, logit)
  }

  /** Adds a number to the tempered logit of a token; −∞ takes the token out of play. */
  add(id: number, bias: number): void {
    changes.add(this.#row, id, bias)
  }

  /**
   * Call this for a change that makes a token more likely, if the token is not in play. If a sparse row left it out,
   * the row is no longer exact.
   */
  raiseUnseen(id: number): void {
    changes.raiseUnseen(this.#row, id)
  }

  /** Replaces the logit of each token in play. `toLogit` takes and returns logits from which `shift` is subtracted. */
  map(toLogit: (logit: number, mass: number) => number): Pausing {
    return changes.map(this.#row, toLogit)
  }

  /** Subtracts the largest logit from all logits, unless this would round a logit. */
  countFromLargest(): void {
    changes.countFromLargest(this.#row)
  }

  // Reports after the samplers.

  /**
   * Call this after the last decision. Returns `full` if the distribution is that of the whole row, and `candidates`
   * if it is relative to the tokens given. With `givenAlone`, only the tokens given can be chosen, so it is
   * `candidates` unless the others have no mass.
   */
  settle(givenAlone: boolean): 'full' | 'candidates' {
    statistics.checkCoverage(this.#row)
    return this.#row.coverage.settle(givenAlone)
  }

  /** The share of the whole distribution that the given tokens in play have; undefined if it is not known. */
  givenMass(): number | undefined {
    return statistics.givenMass(this.#row)
  }

  /** Reports the known tokens in play with their masses, and the mass of the others. It records no decision. */
  observe(): Pausing<statistics.Observed> {
    return statistics.observe(this.#row)
  }
}
