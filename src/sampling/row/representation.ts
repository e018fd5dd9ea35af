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
  /** The number of tokens in play. */
  count(): number
  /** The largest logit; −∞ if no token is in play. */
  max(): number
  /** The lowest id with the largest logit. */
  mostLikely(): number
  /** The logit of a token; −∞ if it is not in play. */
  logitOf(id: number): number
  /** Changes the logit of a token in play; −∞ takes it out of play. */
  setLogit(id: number, logit: number): void
  /** Puts tokens in play that are out of play. Their ids ascend. */
  putBack(tokens: Tokens): void
  /** Takes all tokens out of play except those whose bit is set: bit `id & 31` of word `id >> 5`. */
  keepBits(words: Int32Array): void
  /** A logit that at least `count` tokens reach, and few others. −∞ means all tokens. */
  thresholdFor(count: number): number
  /**
   * Collects all tokens in play with at least this logit into the first entries of `ids` and `logits`, ids ascending.
   * Survivors are all there already. Returns the number of these entries.
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
