import { exp, log } from './kernel/index.ts'
import type { Candidates } from './sparse.ts'

/**
 * What is known of the tokens a sparse row leaves out: none is more likely than the least likely of
 * those given, and with `logZ` their mass together at temperature 1. While they are in play, a number
 * that depends on more than this is not the whole row's, and neither is what comes of it.
 */
export class Unseen {
  /** No logit of theirs is above it. */
  readonly floor: number
  #logMass: number | undefined
  #isMissed = false

  constructor({ values, logZ }: Candidates) {
    this.floor = values.reduce((a, b) => Math.min(a, b))
    if (logZ === undefined) return
    const seen = values.reduce((sum, logit) => sum + exp(logit - logZ), 0)
    this.#logMass = seen < 1 ? logZ + log(1 - seen) : Number.NEGATIVE_INFINITY
  }

  /** Σ e^(logit − max) over them, or 0 where it is not known. */
  mass(max: number): number {
    return this.#logMass === undefined ? 0 : exp(this.#logMass - max)
  }

  /** Some of them may have changed or gone, or been tempered: what they weigh is not known any more. */
  blur(): void {
    this.#logMass = undefined
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
