import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { exp, log, log1p } from '../../kernel/index.ts'
import type { InPlay } from './in-play.ts'
import type { MassSum } from './representation.ts'

/** Numbers of a row's distribution. The mass of a token is e^((logit − max) / temperature). */

/** The sums of masses, with the mass of the tokens that a sparse row leaves out. */
export function massSum(row: InPlay, weigh = false): MassSum {
  const { coverage, temperature } = row
  if (row.sum === undefined || (weigh && !row.isWeighted)) {
    checkCoverage(row)
    row.isWeighted = weigh
    row.sum = row.tokens.sum(temperature, weigh)
  }
  if (!coverage.isPartial) return row.sum
  const unseen = coverage.neededMass(row.largest())
  return { ...row.sum, total: row.sum.total + unseen, rest: row.sum.rest + unseen }
}

/** Computes the sums of masses, in parts if there are very many tokens. Later calls reuse the sums. */
export function* addUp(row: InPlay): Pausing {
  if (row.sum === undefined && row.isLarge && !row.coverage.isPartial) {
    if (row.tokens.max() > Number.NEGATIVE_INFINITY) {
      yield
      row.isWeighted = false
      row.sum = yield* row.tokens.sumInParts(row.temperature)
    }
    yield
  }
  massSum(row)
}

/** Σ mass. */
export function totalMass(row: InPlay): number {
  return massSum(row).total
}

/** ln Σ mass, also precise if one token is nearly certain. */
export function logTotal(row: InPlay): number {
  const { total, rest } = massSum(row)
  if (total < 2) return log1p(rest)
  const isBeyond = total === Number.POSITIVE_INFINITY && row.coverage.isPartial
  return isBeyond ? row.coverage.logMass(row.largest()) : log(total)
}

/** The natural logarithm of the probability of a token with this logit. It is finite if the token is in play. */
export function logprob(row: InPlay, logit: number): number {
  const value = (logit - row.tokens.max()) / row.temperature - logTotal(row)
  const isInPlay = logit > Number.NEGATIVE_INFINITY
  return isInPlay ? Math.max(value, -Number.MAX_VALUE) : value
}

/**
 * The distance, in nats, of a token with this probability below the most likely one. The product comes before the
 * logarithm, so that each of n equal tokens has the probability 1 / n.
 */
export function distanceOf(row: InPlay, probability: number): number {
  return -log(probability * totalMass(row))
}

/** −Σ p ln p, in nats. If a sparse row leaves tokens out, p is relative to the tokens given. */
export function entropy(row: InPlay): number {
  row.coverage.needEach()
  return entropyOf(row.coverage.isPartial ? givenSum(row) : massSum(row, true))
}

function entropyOf({ total, rest, weighted }: MassSum): number {
  // Rounding may make the entropy of a certain row slightly negative.
  return Math.max(0, (total < 2 ? log1p(rest) : log(total)) - weighted / total)
}

/** The sums over the tokens given. */
function givenSum({ tokens, temperature }: InPlay): MassSum {
  return tokens.sum(temperature, true)
}

/** Σ p (logit − max) / temperature: the expected difference to the most likely token, at most 0. */
export function meanDistance(row: InPlay): number {
  row.coverage.needEach()
  const { weighted, total } = massSum(row, true)
  return weighted / total
}

/** Σ p², the probability that two draws agree. */
export function collision(row: InPlay): number {
  row.coverage.needEach()
  const total = totalMass(row)
  const squares = row.tokens.sumOfSquares(row.temperature)
  if (row.isDense) row.sum = undefined
  return squares / (total * total)
}

/** The population standard deviation of the logits in play, untempered. */
export function deviation(row: InPlay): number {
  row.coverage.needEach()
  return row.tokens.deviation()
}

/** The share of the whole distribution that the given tokens in play have; undefined if it is not known. */
export function givenMass(row: InPlay): number | undefined {
  checkCoverage(row)
  const { coverage } = row
  if (!coverage.isPartial) return coverage.isExact ? 1 : undefined
  if (!coverage.isWeighed) return undefined
  const logGiven = log(row.weigh(row.tokens.count()))
  return 1 / (1 + exp(coverage.logMass(row.largest()) - logGiven))
}

/** Checks whether the mass of the tokens left out is still known precisely enough. */
export function checkCoverage(row: InPlay): void {
  if (row.coverage.isWeighed) row.coverage.check(row.largest(), row.weigh(row.tokens.count()))
}

/** What `observe` reports of a row. */
export interface Observed {
  readonly ids: Uint32Array
  readonly masses: Float64Array
  /** The mass of tokens that a sparse row leaves out. */
  readonly unseen: number
  readonly total: number
  readonly entropy: number
}

/** Reports the known tokens in play with their masses, and the mass of the others. It records no decision. */
export function* observe(row: InPlay): Pausing<Observed> {
  row.gather()
  const { survivors, coverage, temperature, views } = row
  const size = survivors.count()
  const isLong = size > PART
  if (isLong) yield
  const mass = yield* survivors.weighInParts(temperature)
  if (isLong) yield
  const sum = survivors.sumOf(mass, survivors.weighted(temperature))
  if (isLong) yield
  const unseen = coverage.isPartial && size > 0 ? exp(coverage.logMass(row.largest())) : 0
  const ids = views.ids.slice(0, size)
  if (isLong) yield
  return {
    ids,
    masses: views.masses.slice(0, size),
    unseen,
    total: sum.total + unseen,
    entropy: size === 0 ? 0 : entropyOf(sum),
  }
}
