import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { exp } from '../../kernel/index.ts'
import type { Row } from './row.ts'
import { entropyOf } from './statistics.ts'

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
export function* observe(row: Row): Pausing<Observed> {
  row.gather()
  const { survivors, coverage, temperature, views } = row
  const size = survivors.count()
  const isLong = size > PART
  if (isLong) yield
  const mass = yield* survivors.weighInParts(temperature)
  if (isLong) yield
  const sum = survivors.sumOf(mass, survivors.weighted(temperature))
  if (isLong) yield
  const unseen = coverage.isPartial && size > 0 ? exp(coverage.logMass(row.maxUnshifted())) : 0
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
