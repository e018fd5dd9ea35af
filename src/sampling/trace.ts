import { PART, type Pausing } from '../algorithms/pausing.ts'
import { scoreCost } from './distribution.ts'
import type { Plan } from './plan.ts'
import { type Observed, observe } from './row/observe.ts'
import type { Row } from './row/row.ts'
import { settle } from './row/statistics.ts'
import type { Context } from './sampler.ts'
import { Watched, type WatchedToken } from './watched.ts'

/** What one sampler did. Probabilities are those before it; entropies are in nats. */
export interface TraceStep {
  sampler: string
  kept_before: number
  kept_after: number
  mass_removed: number
  entropy_before: number
  entropy_after: number
  /** The smallest logit kept, after biases and before temperature; null if the sampler did not cut the ranking of logits. */
  threshold: number | null
  /** The watched tokens that the sampler removed. */
  dropped_token_ids: number[]
}

/** Steps to observe a row before and after each sampler, in addition to running the samplers again. */
export function traceCost(samplers: number, watched: number, size: number): number {
  return (samplers + 1) * (20 * size + 400 * watched) + scoreCost(watched, size)
}

/**
 * Runs the plan again on a row of its own, and observes the row before and after each step. So a request without a
 * trace pays nothing for it, and one with a trace gets the same answer. `isDrawn` tells whether the answer has a draw.
 */
export function* trace(
  row: Row,
  { steps }: Plan,
  context: Context,
  watch: Uint32Array,
  isDrawn: boolean,
): Pausing<{ trace: TraceStep[]; watched: WatchedToken[] }> {
  let after = yield* observe(row)
  yield
  const watched = yield* Watched.begin(row, watch)
  const traced: TraceStep[] = []
  for (const { sampler, apply, fillsEmpty } of steps) {
    const before = after
    row.threshold = undefined
    yield
    if (!row.isEmpty || fillsEmpty) {
      const applied = apply(row, context)
      if (typeof applied === 'object') yield* applied
    }
    yield
    after = yield* observe(row)
    yield
    const dropped = yield* watched.follow(row, sampler.name)
    traced.push({
      sampler: sampler.name,
      kept_before: before.ids.length,
      kept_after: after.ids.length,
      mass_removed: yield* massRemoved(before, after),
      entropy_before: before.entropy,
      entropy_after: after.entropy,
      threshold: row.threshold ?? null,
      dropped_token_ids: dropped,
    })
  }
  yield
  settle(row, isDrawn)
  return { trace: traced, watched: yield* watched.end(row) }
}

/** The probability of the tokens that a step removed. Both lists of ids are ascending. */
function* massRemoved({ ids, masses, unseen, total }: Observed, after: Observed): Pausing<number> {
  let removed = after.unseen === 0 ? unseen : 0
  let next = 0
  for (let i = 0; i < ids.length; i++) {
    if (i % PART === PART - 1) yield
    if (ids[i] === after.ids[next]) next++
    else removed += masses[i]!
  }
  if (total === 0) return 0
  // An infinite total is the mass of unseen tokens; compared with it, the others have none.
  return total === Number.POSITIVE_INFINITY ? Number(after.unseen === 0) : removed / total
}
