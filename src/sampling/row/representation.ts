import type { Pausing } from '../../algorithms/pausing.ts'
import type { Tokens } from './tokens.ts'

/** Sums over the tokens in play. The mass of a token is e^((logit − max) / temperature). */
export interface MassSum {
  /** Σ mass. */
  total: number
  /** The total without the largest mass, which is 1. */
  rest: number
  /** The part of the total that the kernel added up in float32. */
  tail: number
  /** Σ mass · (logit − max) / temperature, if it was asked for; otherwise 0. */
  weighted: number
}

/**
 * How the tokens in play are stored: `Survivors` stores them one by one, `Dense` stores a whole vocabulary. Both
 * share the row's arrays `ids`, `logits` and `masses`.
 */
export interface Representation {
  /** How many tokens are in play. */
  count(): number
  /** The largest logit; −∞ when no token is in play. */
  max(): number
  /** The lowest id at the maximum. */
  mostLikely(): number
  /** −∞ when the token is not in play. */
  logitOf(id: number): number
  /** Change the logit of a token in play; −∞ takes it out. */
  setLogit(id: number, logit: number): void
  /** Put tokens in play that are not. Their ids ascend. */
  putBack(tokens: Tokens): void
  /** Leave only tokens in play whose bit is set: bit `id & 31` of word `id >> 5`. */
  keepBits(words: Int32Array): void
  /** A logit that at least `count` tokens reach, and few more; −∞ stands for all. */
  thresholdFor(count: number): number
  /**
   * Write all tokens in play from this logit up to the first entries of `ids` and `logits`, ids ascending. Survivors are
   * there already, all of them. Returns how many entries those are.
   */
  collect(threshold: number): number
  /** The sums of masses; `weighted` only if `weigh` is set. */
  sum(temperature: number, weigh: boolean): MassSum
  /** The same without `weighted`, in parts. */
  sumInParts(temperature: number): Pausing<MassSum>
  /** Σ mass². Call `sum` before; this overwrites its results. */
  sumOfSquares(temperature: number): number
  /** The population standard deviation of the logits, untempered. */
  deviation(): number
}
