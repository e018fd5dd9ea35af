import { oncePerWork } from '../algorithms/once.ts'
import { PART, type Pausing } from '../algorithms/pausing.ts'
import { placesById, sortIds } from '../algorithms/sort.ts'
import type { Plan } from './plan.ts'
import { type Observed, observe } from './row/observe.ts'
import type { Row } from './row/row.ts'
import type { Context } from './sampler.ts'

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

/** What a sampler did to a watched token. */
export interface PathStep {
  sampler: string
  /** The logit after the sampler, and before temperature. If the sampler removed the token, its last logit. */
  logit: number
  /** The smallest logit that the sampler kept, if it removed the token and cut the ranking of logits; otherwise null. */
  threshold: number | null
}

/** What happened to a watched token. */
export interface WatchedToken {
  token_id: number
  /** What removed it: a sampler, `logits` if its logit was −∞, or null if it is left. */
  dropped_by: string | null
  /** The logit as it came; null if it was −∞. */
  logit: number | null
  /** The samplers that changed its logit or removed it, in the order they ran. */
  path: PathStep[]
  /** Its probability in the final distribution; null if it was removed. */
  probability: number | null
}

/** Steps to observe a row before and after each sampler, in addition to running the samplers again. */
export function traceCost(samplers: number, watched: number, size: number): number {
  return (samplers + 1) * 20 * size + 150 * watched
}

/**
 * Runs the plan again on a row of its own, and observes the row before and after each step. So a request without a
 * trace pays nothing for it, and one with a trace gets the same answer.
 */
export function* trace(
  row: Row,
  { steps }: Plan,
  context: Context,
  watch: Uint32Array,
): Pausing<{ trace: TraceStep[]; watched: WatchedToken[] }> {
  let after = yield* observe(row)
  yield
  const watched = new Watched(watch, yield* orderOf(watch))
  yield* watched.follow(row, after, 'logits')
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
    const dropped = yield* watched.follow(row, after, sampler.name)
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
  return { trace: traced, watched: yield* watched.list(after) }
}

/** Whether a logit has changed by more than the rounding of `shift`. */
const isChanged = (before: number, after: number) =>
  Math.abs(after - before) > 1e-12 * Math.max(1, Math.abs(before))

/** The watched tokens, each once. */
class Watched {
  readonly #ids: Uint32Array
  /** What happened to each token of `#ids`; undefined for a repeated one. */
  readonly #tokens: (WatchedToken | undefined)[]
  /** The present logit of each token of `#ids`. */
  readonly #logits: Float64Array
  /** The places in `#ids` of the watched tokens still in play, ids ascending. */
  #left: Uint32Array

  constructor(watch: Uint32Array, places: Uint32Array) {
    this.#ids = watch
    this.#tokens = new Array(watch.length)
    this.#logits = new Float64Array(watch.length)
    this.#left = new Uint32Array(watch.length)
    let count = 0
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!
      const token_id = watch[place]!
      if (i > 0 && token_id === watch[places[i - 1]!]) continue
      this.#tokens[place] = { token_id, dropped_by: null, logit: null, path: [], probability: null }
      this.#left[count++] = place
    }
    this.#left = this.#left.subarray(0, count)
  }

  /**
   * Records what a sampler did. `inPlay` was observed after it, and `logits` stands for the row as it came. Returns the
   * watched tokens that are no longer in play, in the order of `watch_token_ids`.
   */
  *follow(row: Row, { ids: inPlay }: Observed, by: string): Pausing<number[]> {
    const { logits } = row.views
    const dropped = new Uint32Array(this.#left.length)
    let count = 0
    let left = 0
    let next = 0
    for (let i = 0; i < this.#left.length; i++) {
      if (i % PART === PART - 1) yield
      const place = this.#left[i]!
      const id = this.#ids[place]!
      while (next < inPlay.length && inPlay[next]! < id) next++
      if (inPlay[next] === id) {
        this.#left[left++] = place
        this.#change(place, by, logits[next]! + row.shift)
      } else dropped[count++] = place
    }
    this.#left = this.#left.subarray(0, left)
    if (count > PART) yield
    const places = sortIds(dropped.subarray(0, count))
    const ids = new Array<number>(count)
    for (let i = 0; i < count; i++) {
      if (i % PART === 0 && i > 0) yield
      const place = places[i]!
      this.#drop(place, by, row.threshold ?? null)
      ids[i] = this.#ids[place]!
    }
    return ids
  }

  #change(place: number, by: string, logit: number): void {
    const token = this.#tokens[place]!
    if (by === 'logits') token.logit = logit
    else if (isChanged(this.#logits[place]!, logit)) {
      token.path.push({ sampler: by, logit, threshold: null })
    }
    this.#logits[place] = logit
  }

  #drop(place: number, by: string, threshold: number | null): void {
    const token = this.#tokens[place]!
    token.dropped_by = by
    if (by === 'logits') return
    token.path.push({ sampler: by, logit: this.#logits[place]!, threshold })
  }

  /** The watched tokens, with the probabilities of the final distribution. */
  *list({ ids, masses, total }: Observed): Pausing<WatchedToken[]> {
    let next = 0
    for (let i = 0; i < this.#left.length; i++) {
      if (i % PART === PART - 1) yield
      const place = this.#left[i]!
      while (ids[next]! < this.#ids[place]!) next++
      this.#tokens[place]!.probability = masses[next]! / total
    }
    const list: WatchedToken[] = []
    for (let place = 0; place < this.#ids.length; place++) {
      if (place % FEW === FEW - 1) yield
      const token = this.#tokens[place]
      if (token) list.push(token)
    }
    return list
  }
}

/** The number of watched tokens that are listed between two pauses. */
const FEW = 2 ** 13

const orderOf = oncePerWork(placesById)

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
