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

  let after = snapshot(row)
  const traced = steps.map(({ name, apply }): TraceStep => {
    const before = after
    row.threshold = undefined
    apply(row, context)
    after = snapshot(row)
    const dropped = [...droppedBy.keys()].filter(
      (id) => droppedBy.get(id) === null && !isInPlay(id),
    )
    for (const id of dropped) droppedBy.set(id, name)
    return {
      sampler: name,
      kept_before: before.ids.length,
      kept_after: after.ids.length,
      mass_removed: massRemoved(before, after.ids),
      entropy_before: before.entropy,
      entropy_after: after.entropy,
      threshold: row.threshold ?? null,
      dropped_token_ids: dropped,
    }
  })
  const watched = Array.from(droppedBy, ([token_id, dropped_by]) => ({ token_id, dropped_by }))
  return { trace: traced, watched }
}

interface Snapshot {
  ids: Uint32Array
  masses: Float64Array
  total: number
  entropy: number
}

function snapshot(row: Row): Snapshot {
  row.gather()
  const total = row.normalise()
  return {
    ids: row.ids.slice(0, row.size),
    masses: row.masses.slice(0, row.size),
    total,
    entropy: row.entropy(),
  }
}

/** The probability of the tokens that are no longer there; both lists of ids ascend. */
function massRemoved({ ids, masses, total }: Snapshot, kept: Uint32Array): number {
  let removed = 0
  let next = 0
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === kept[next]) next++
    else removed += masses[i]!
  }
  return removed / total
}
