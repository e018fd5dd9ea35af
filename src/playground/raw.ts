import type { Row } from './types.ts'

/** The distribution of a row as the model has it: temperature 1, no samplers. */
export interface Raw {
  /** The most likely tokens. */
  readonly ids: readonly number[]
  /** ln Σ e^logit, so that the probability of any token follows from its logit. */
  readonly logTotal: number
}

/** The number of most likely tokens that the page may show. */
export const SHOWN = 24

const known = new WeakMap<Row, Raw>()

function rank({ logits }: Row): number[] {
  const ids: number[] = []
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!
    if (ids.length === SHOWN && logit <= logits[ids.at(-1)!]!) continue
    const at = ids.findIndex((other) => logits[other]! < logit)
    ids.splice(at < 0 ? ids.length : at, 0, id)
    if (ids.length > SHOWN) ids.pop()
  }
  return ids
}

export function rawOf(row: Row): Raw {
  const found = known.get(row)
  if (found) return found
  const ids = rank(row)
  const most = row.logits[ids[0]!]!
  let total = 0
  for (const logit of row.logits) total += Math.exp(logit - most)
  const raw = { ids, logTotal: most + Math.log(total) }
  known.set(row, raw)
  return raw
}

export function rawProbability(row: Row, id: number): number {
  return Math.exp(row.logits[id]! - rawOf(row).logTotal)
}

export function rawRank({ logits }: Row, id: number): number {
  const own = logits[id]!
  let rank = 1
  for (let other = 0; other < logits.length; other++) {
    const logit = logits[other]!
    if (logit > own || (logit === own && other < id)) rank++
  }
  return rank
}
