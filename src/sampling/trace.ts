import type { Plan } from './plan.ts'
import type { Row } from './row.ts'
import type { Context } from './sampler.ts'

/** What one sampler did. Probabilities are of the distribution before it; entropies are in nats. */
export interface TraceStep {
  sampler: string
  kept_before: number
  kept_after: number
  mass_removed: number
  entropy_before: number
  entropy_after: number
  /** The logit, after biases and before temperature, from which tokens were kept; null where it cut no ranking of logits. */
  threshold: number | null
  /** Of the watched tokens, those it dropped. */
  dropped_token_ids: number[]
}

/** Where a watched token was dropped: by a sampler, by its logit of −∞, or (null) nowhere. */
export interface WatchedToken {
  token_id: number
  dropped_by: string | null
}

/** Steps of looking at a row after so many samplers, beyond running them again. */
export function traceCost(samplers: number, watched: number, size: number): number {
  return (samplers + 1) * 20 * size + 150 * watched
}

/**
 * Runs the plan once more, on a row of its own, and looks at the row before and after each step: a
 * request that wants no trace pays nothing for it, and one that does gets the same answer.
 */
export function trace(
  row: Row,
  { steps }: Plan,
  context: Context,
  watch: Uint32Array,
): { trace: TraceStep[]; watched: WatchedToken[] } {
  const isInPlay = (id: number) => row.logitOf(id) > Number.NEGATIVE_INFINITY
  const droppedBy = new Map<number, string | null>()
  for (const id of watch) droppedBy.set(id, isInPlay(id) ? null : 'logits')

  let after = row.observe()
  const traced = steps.map(({ sampler: { name }, apply, fillsEmpty }): TraceStep => {
    const before = after
    row.threshold = undefined
    if (!row.isEmpty || fillsEmpty) apply(row, context)
    after = row.observe()
    const dropped = [...droppedBy.keys()].filter(
      (id) => droppedBy.get(id) === null && !isInPlay(id),
    )
    for (const id of dropped) droppedBy.set(id, name)
    return {
      sampler: name,
      kept_before: before.ids.length,
      kept_after: after.ids.length,
      mass_removed: massRemoved(before, after),
      entropy_before: before.entropy,
      entropy_after: after.entropy,
      threshold: row.threshold ?? null,
      dropped_token_ids: dropped,
    }
  })
  const watched = Array.from(droppedBy, ([token_id, dropped_by]) => ({ token_id, dropped_by }))
  return { trace: traced, watched }
}

type Observed = ReturnType<Row['observe']>

/** The probability of the tokens that are no longer there; both lists of ids ascend. */
function massRemoved({ ids, masses, unseen, total }: Observed, after: Observed): number {
  let removed = after.unseen === 0 ? unseen : 0
  let next = 0
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === after.ids[next]) next++
    else removed += masses[i]!
  }
  if (total === 0) return 0
  // Beside tokens of so much mass the others are nothing.
  return total === Number.POSITIVE_INFINITY ? Number(after.unseen === 0) : removed / total
}
