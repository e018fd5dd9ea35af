import type { Pausing } from '../../algorithms/pausing.ts'
import { exp, log, log1p } from '../../kernel/index.ts'
import type { MassSum } from './representation.ts'
import type { Row } from './row.ts'

/** Numbers of a row's distribution. The mass of a token is e^((logit − max) / temperature). */

/** The sums of masses, with the mass of the tokens that a sparse row leaves out. */
export function massSum(row: Row, weigh = false): MassSum {
  const { coverage, temperature } = row
  if (row.sum === undefined || (weigh && !row.isWeighted)) {
    checkCoverage(row)
    row.isWeighted = weigh
    row.sum = row.tokens.sum(temperature, weigh)
  }
  if (!coverage.isPartial) return row.sum
  const unseen = coverage.neededMass(row.maxUnshifted())
  return { ...row.sum, total: row.sum.total + unseen, rest: row.sum.rest + unseen }
}

/** Computes the sums of masses, in parts if there are very many tokens. Later calls reuse the sums. */
export function* addUp(row: Row): Pausing {
  if (row.sum === undefined && row.isLarge && !row.coverage.isPartial) {
    if (row.max() > Number.NEGATIVE_INFINITY) {
      yield
      row.isWeighted = false
      row.sum = yield* row.tokens.sumInParts(row.temperature)
    }
    yield
  }
  massSum(row)
}

/** The number of tokens in play, for a decision that depends on it. */
export function countInPlay(row: Row): number {
  row.coverage.needEach()
  return row.count()
}

/** Whether at least `count` tokens are in play. This may be known even if not all of them are. */
export function hasAtLeast(row: Row, count: number): boolean {
  return count <= row.count() || count <= countInPlay(row)
}

/** Σ mass. */
export function totalMass(row: Row): number {
  return massSum(row).total
}

/** ln Σ mass, also precise if one token is nearly certain. */
export function logTotal(row: Row): number {
  const { total, rest } = massSum(row)
  if (total < 2) return log1p(rest)
  const isBeyond = total === Number.POSITIVE_INFINITY && row.coverage.isPartial
  return isBeyond ? row.coverage.logMass(row.maxUnshifted()) : log(total)
}

/** The natural logarithm of the probability of a token with this logit. It is finite if the token is in play. */
export function logprob(row: Row, logit: number): number {
  const value = (logit - row.max()) / row.temperature - logTotal(row)
  const isInPlay = logit > Number.NEGATIVE_INFINITY
  return isInPlay ? Math.max(value, -Number.MAX_VALUE) : value
}

/**
 * The distance, in nats, of a token with this probability below the most likely one. The product comes before the
 * logarithm, so that each of n equal tokens has the probability 1 / n.
 */
export function distanceOf(row: Row, probability: number): number {
  return -log(probability * totalMass(row))
}

/** −Σ p ln p, in nats. If a sparse row leaves tokens out, p is relative to the tokens given. */
export function entropy(row: Row): number {
  row.coverage.needEach()
  return entropyOf(row.coverage.isPartial ? givenSum(row) : massSum(row, true))
}

export function entropyOf({ total, rest, weighted }: MassSum): number {
  // Rounding may make the entropy of a certain row slightly negative.
  return Math.max(0, (total < 2 ? log1p(rest) : log(total)) - weighted / total)
}

/** The sums over the tokens given. */
function givenSum({ tokens, temperature }: Row): MassSum {
  return tokens.sum(temperature, true)
}

/** Σ p (logit − max) / temperature: the expected difference to the most likely token, at most 0. */
export function meanDistance(row: Row): number {
  row.coverage.needEach()
  const { weighted, total } = massSum(row, true)
  return weighted / total
}

/** Σ p², the probability that two draws agree. */
export function collision(row: Row): number {
  row.coverage.needEach()
  const total = totalMass(row)
  const squares = row.tokens.sumOfSquares(row.temperature)
  if (row.isDense) row.sum = undefined
  return squares / (total * total)
}

/** The population standard deviation of the logits in play, untempered. */
export function deviation(row: Row): number {
  row.coverage.needEach()
  return row.tokens.deviation()
}

/** The share of the whole distribution that the given tokens in play have; undefined if it is not known. */
export function givenMass(row: Row): number | undefined {
  checkCoverage(row)
  const { coverage } = row
  if (!coverage.isPartial) return coverage.isExact ? 1 : undefined
  if (!coverage.isWeighed) return undefined
  const logGiven = log(row.weigh(row.count()))
  return 1 / (1 + exp(coverage.logMass(row.maxUnshifted()) - logGiven))
}

/** Checks whether the mass of the tokens left out is still known precisely enough. */
export function checkCoverage(row: Row): void {
  if (row.coverage.isWeighed) row.coverage.check(row.maxUnshifted(), row.weigh(row.count()))
}

/**
 * Call this after the last decision. Returns `full` if the distribution is that of the whole row, and `candidates` if
 * it is relative to the tokens given. With `givenAlone`, only the tokens given can be chosen, so it is `candidates`
 * unless the others have no mass.
 */
export function settle(row: Row, givenAlone: boolean): 'full' | 'candidates' {
  checkCoverage(row)
  return row.coverage.settle(givenAlone)
}
