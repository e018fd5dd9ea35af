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

/** A smaller vocabulary is survivors from the start: float64 throughout. */
const DENSE_FROM = 4096

/** The tokens in play, and what is known of them: what the parts of a row share. */
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
  /** One of the two. */
  tokens: Representation
  /** The sums of masses, once they are known, and whether Σ mass · distance is among them. */
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

  /** Whether each step over all tokens takes a part by itself. */
  get isLarge(): boolean {
    return this.vocabSize > LARGE
  }

  /** The largest logit as it was before a shift. */
  largest(): number {
    return this.tokens.max() + this.shift
  }

  /** No logit of a token that a sparse row leaves out is above this one. */
  floor(): number {
    return this.coverage.floor - this.shift
  }

  /** The first entries of the arrays are all tokens in play from here on. `max` is their largest logit, if it is known. */
  become(size: number, max?: number): void {
    this.tokens = this.survivors
    this.survivors.take(size, max)
    this.sum = undefined
  }

  /** Make survivors of all tokens in play. */
  gather(): void {
    if (!this.isDense) return
    const max = this.dense.max()
    this.become(this.dense.collect(Number.NEGATIVE_INFINITY), max)
  }

  /** Write the masses of the first `size` entries of the arrays, and return their sum. */
  weigh(size: number): number {
    return this.survivors.weigh(this.temperature, size, this.tokens.max())
  }

  /** The list of an engine was cut. At least `atLeast` of its entries stay, and masked tokens count among them. */
  cutList(atLeast: number): void {
    this.listed = Math.max(this.tokens.count(), Math.min(this.listed, atLeast))
  }
}

/** The part of a cut that says what is kept. */
export type Kept = Pick<Cut, 'threshold' | 'ties'>

/** Runs work to its end. `undefined` is work that is already done. */
export function* rest(work: Pausing | undefined): Pausing {
  if (work) yield* work
}
