import { LARGE } from '../../algorithms/pausing.ts'
import type { RowMemory } from '../../kernel/memory.ts'
import type { Candidates, Logits } from '../../tensors/candidates.ts'
import { Elements } from '../../tensors/elements.ts'
import { loadRow } from '../../tensors/load.ts'
import { Coverage } from './coverage.ts'
import { Dense } from './dense.ts'
import type { MassSum, Representation } from './representation.ts'
import { Survivors } from './survivors.ts'

/** A smaller vocabulary is stored as survivors from the start, in float64. */
const DENSE_FROM = 4096

/**
 * The tokens of one row that are still in play, ranked by (logit descending, id ascending).
 *
 * Logits stay as they came, and the row remembers its temperature. For probabilities, the temperature divides
 * differences to the largest logit, so no temperature overflows, however small. Cuts compare such differences too,
 * because a threshold added to a large logit would be rounded away.
 *
 * Samplers decide and change a row only through the functions of the files beside this one, which keep `coverage` and
 * `sum` right.
 */
export class Row {
  /** The number of tokens in the vocabulary. */
  vocabSize = 0
  /** Whether no token was in play from the start. */
  cameEmpty = false
  /** No cut leaves fewer tokens, unless it is told another number. */
  minTokensToKeep = 1
  /** `setTemperature` changes it. */
  temperature = 1
  /** The number that is subtracted from every logit, so that a small change of one is not rounded away. Usually 0. */
  shift = 0
  /** The smallest logit that the last cut by logit may keep, before `shift` was subtracted. */
  threshold: number | undefined
  /**
   * The number of tokens in the list of an engine that keeps masked tokens in its list: the tokens in play, and the
   * masked tokens that no filter has cut.
   */
  listed = 0
  /** The tokens that a sparse row leaves out, and whether the row is exact without them. */
  readonly coverage = new Coverage()
  readonly survivors: Survivors
  readonly dense: Dense
  /** Where the tokens in play are stored: `survivors` or `dense`. */
  tokens: Representation
  /** The sums of masses, once they are computed, and whether they include Σ mass · distance. */
  sum: MassSum | undefined
  isWeighted = false
  #memory: RowMemory

  constructor(memory: RowMemory) {
    this.#memory = memory
    this.dense = new Dense(memory)
    this.survivors = new Survivors(memory)
    this.tokens = this.survivors
  }

  /** Moves to a larger memory. Load the row again afterwards. */
  attach(memory: RowMemory): void {
    this.#memory = memory
    this.dense.attach(memory)
    this.survivors.attach(memory)
  }

  /**
   * Starts with raw logits. Tokens at −∞ are not in play. Throws a `FaultyLogit` at a NaN or +∞. With `mayChange`,
   * nobody reads the logits after this row, so they may be changed in place.
   */
  load(logits: Logits, mayChange = false): void {
    this.minTokensToKeep = 1
    this.temperature = 1
    this.shift = 0
    this.sum = undefined
    const all = logits instanceof Elements ? logits : logits.all
    this.vocabSize = all ? all.length : (logits as Candidates).vocabSize
    this.listed = this.vocabSize
    this.coverage.begin(all ? undefined : (logits as Candidates))
    if (!all) {
      const { ids, values } = logits as Candidates
      this.tokens = this.survivors
      this.survivors.loadTokens(ids, values)
    } else if (all.length >= DENSE_FROM) {
      this.tokens = this.dense
      this.dense.load(all, mayChange)
    } else {
      loadRow(all, this.#memory)
      this.tokens = this.survivors
      this.survivors.load(this.#memory.views.row.subarray(0, all.length))
    }
    this.cameEmpty = this.isEmpty
  }

  /**
   * The row's arrays. After `gather`, the first `count()` entries of `ids` (ascending) and `logits` are the tokens in
   * play. After `totalMass`, those of `masses` are e^((logit − max) / temperature).
   */
  get views(): RowMemory['views'] {
    return this.#memory.views
  }

  get isDense(): boolean {
    return this.tokens === this.dense
  }

  /** Whether each step over all tokens is a part of its own. */
  get isLarge(): boolean {
    return this.vocabSize > LARGE
  }

  get isEmpty(): boolean {
    return this.max() === Number.NEGATIVE_INFINITY
  }

  /** The number of tokens in play, without those that a sparse row leaves out. */
  count(): number {
    return this.tokens.count()
  }

  /** The largest logit; −∞ if no token is in play. */
  max(): number {
    return this.tokens.max()
  }

  /** The same before `shift` was subtracted. */
  maxUnshifted(): number {
    return this.max() + this.shift
  }

  /** The logit of a token; −∞ if it is not in play. */
  logitOf(id: number): number {
    return this.tokens.logitOf(id)
  }

  /** Upper bound of the logits of the tokens that a sparse row leaves out, with `shift` subtracted. */
  floor(): number {
    return this.coverage.floor - this.shift
  }

  /**
   * Turns the row into survivors, which are the first `size` entries of the arrays. `max` is their largest logit, if
   * it is known.
   */
  become(size: number, max?: number): void {
    this.tokens = this.survivors
    this.survivors.take(size, max)
    this.sum = undefined
  }

  /** Turns all tokens in play into survivors. */
  gather(): void {
    if (!this.isDense) return
    const max = this.max()
    this.become(this.dense.collect(Number.NEGATIVE_INFINITY), max)
  }

  /** Writes the masses of the first `size` entries of the arrays, and returns their sum. */
  weigh(size: number): number {
    return this.survivors.weigh(this.temperature, size, this.max())
  }

  /** Records a cut of an engine's list (`listed`). At least `atLeast` of its entries stay, masked tokens included. */
  cutList(atLeast: number): void {
    this.listed = Math.max(this.count(), Math.min(this.listed, atLeast))
  }
}
