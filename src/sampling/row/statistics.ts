import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { exp, log, log1p } from '../../kernel/index.ts'
import type { InPlay } from './in-play.ts'
import type { MassSum } from './representation.ts'

/** Numbers of a row's distribution. The mass of a token is e^((logit − max) / temperature). */

/** The sums of masses, those of tokens that a sparse row leaves out among them. */
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

/** Add the masses up, of very many tokens in parts: the sums are known from then on. */
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

/** ln Σ mass, precise also where one token is nearly certain. */
export function logTotal(row: InPlay): number {
  const { total, rest } = massSum(row)
  if (total < 2) return log1p(rest)
  const isBeyond = total === Number.POSITIVE_INFINITY && row.coverage.isPartial
  return isBeyond ? row.coverage.logMass(row.largest()) : log(total)
}

/** The natural logarithm of the probability of a token with this logit; of one in play it is finite. */
export function logprob(row: InPlay, logit: number): number {
  const value = (logit - row.tokens.max()) / row.temperature - logTotal(row)
  const isInPlay = logit > Number.NEGATIVE_INFINITY
  return isInPlay ? Math.max(value, -Number.MAX_VALUE) : value
}

/**
 * How many nats below the most likely token one of this probability is. A product before the
 * logarithm, so that 1 / n is the probability of n equal tokens, whatever n.
 */
export function distanceOf(row: InPlay, probability: number): number {
  return -log(probability * totalMass(row))
}

/** −Σ p ln p, in nats; of the tokens given where a sparse row leaves others out. */
export function entropy(row: InPlay): number {
  row.coverage.needEach()
  return entropyOf(row.coverage.isPartial ? givenSum(row) : massSum(row, true))
}

function entropyOf({ total, rest, weighted }: MassSum): number {
  // Rounding may leave a certain row a hair below zero.
  return Math.max(0, (total < 2 ? log1p(rest) : log(total)) - weighted / total)
}

/** The sums over the tokens given. */
function givenSum({ tokens, temperature }: InPlay): MassSum {
  return tokens.sum(temperature, true)
}

/** Σ p (logit − max) / temperature: how far a token is expected to be below the most likely one. */
export function meanDistance(row: InPlay): number {
  row.coverage.needEach()
  const { weighted, total } = massSum(row, true)
  return weighted / total
}

/** Σ p², the chance that two draws agree. */
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

/**
 * The probability in the whole row's distribution of the tokens in play that a sparse row was given;
 * nothing where it is not known.
 */
export function givenMass(row: InPlay): number | undefined {
  checkCoverage(row)
  const { coverage } = row
  if (!coverage.isPartial) return coverage.isExact ? 1 : undefined
  if (!coverage.isWeighed) return undefined
  const logGiven = log(row.weigh(row.tokens.count()))
  return 1 / (1 + exp(coverage.logMass(row.largest()) - logGiven))
}

/** See whether the mass of the tokens left out is still known well enough. */
export function checkCoverage(row: InPlay): void {
  if (row.coverage.isWeighed) row.coverage.check(row.largest(), row.weigh(row.tokens.count()))
}

/** What a look at a row sees. */
export interface Observed {
  readonly ids: Uint32Array
  readonly masses: Float64Array
  /** The mass of tokens that a sparse row leaves out. */
  readonly unseen: number
  readonly total: number
  readonly entropy: number
}

/** A look at the row that decides nothing: the tokens known to be in play, and what the others weigh. */
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
