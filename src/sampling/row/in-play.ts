import { LARGE, type Pausing } from '../../algorithms/pausing.ts'
import type { Cut } from '../../algorithms/select.ts'
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

/** The state that the parts of a row share: the tokens in play, and what is known about them. */
export class InPlay {
  vocabSize = 0
  minTokensToKeep = 1
  shift = 0
  listed = 0
  threshold: number | undefined
  temperature = 1
  cameEmpty = false
  readonly coverage = new Coverage()
  readonly survivors: Survivors
  readonly dense: Dense
  /** Either `survivors` or `dense`. */
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

  attach(memory: RowMemory): void {
    this.#memory = memory
    this.dense.attach(memory)
    this.survivors.attach(memory)
  }

  load(logits: Logits, mayChange: boolean): void {
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
    this.cameEmpty = this.tokens.max() === Number.NEGATIVE_INFINITY
  }

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

  /** The largest logit before `shift` was subtracted. */
  largest(): number {
    return this.tokens.max() + this.shift
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
    const max = this.dense.max()
    this.become(this.dense.collect(Number.NEGATIVE_INFINITY), max)
  }

  /** Writes the masses of the first `size` entries of the arrays, and returns their sum. */
  weigh(size: number): number {
    return this.survivors.weigh(this.temperature, size, this.tokens.max())
  }

  /**
   * Records a cut of an engine's list (`Row.listed`). At least `atLeast` of its entries stay, masked tokens included.
   */
  cutList(atLeast: number): void {
    this.listed = Math.max(this.tokens.count(), Math.min(this.listed, atLeast))
  }
}

/** The part of a cut that tells which tokens are kept. */
export type Kept = Pick<Cut, 'threshold' | 'ties'>

/** Runs work to its end. `undefined` is work that is already done. */
export function* rest(work: Pausing | undefined): Pausing {
  if (work) yield* work
}
