import { oncePerWork } from '../algorithms/once.ts'
import { PART, type Pausing } from '../algorithms/pausing.ts'
import { placesById, sortIds } from '../algorithms/sort.ts'
import { exp } from '../kernel/index.ts'
import { scoreTokens } from './distribution.ts'
import type { Row } from './row/row.ts'

/** What one sampler did to a watched token. Logits are in the units of the trace: after biases and before temperature. */
export interface PathStep {
  sampler: string
  /** The logit after the sampler; null if the sampler removed the token. */
  logit: number | null
  /** The smallest logit kept, if a cut of the ranking of logits removed the token. */
  threshold: number | null
}

export interface WatchedToken {
  token_id: number
  /** The sampler that removed it, `logits` if it came without a logit above −∞, or null if it is left. */
  dropped_by: string | null
  /** The logit as it came; null if it was −∞ or not given. */
  logit: number | null
  /** The samplers that changed its logit, removed it or put it back in play. */
  path: PathStep[]
  /** Its probability and rank in the final distribution; null if it was removed. */
  probability: number | null
  rank: number | null
}

/** The number of tokens that are made or looked up between two pauses. */
const FEW = 2 ** 13

/** The relative error of a sum in float64. */
const ROUNDING = 2 ** -52

const orderOf = oncePerWork(placesById)

/** Follows watched tokens, each once, through the samplers. The row must be gathered. */
export class Watched {
  /** In the order of `watch_token_ids`. */
  readonly #tokens: WatchedToken[] = []
  /** The places in `#tokens`, ids ascending. */
  readonly #order: Uint32Array
  /** The logit that the row has for each entry of `#order`, with `#shift` subtracted; −∞ if it is not in play. */
  readonly #logits: Float64Array
  #shift = 0

  private constructor(tokens: WatchedToken[], order: Uint32Array) {
    this.#tokens = tokens
    this.#order = order
    this.#logits = new Float64Array(order.length)
  }

  /** Begins with the logits as they came. */
  static *begin(row: Row, watch: Uint32Array): Pausing<Watched> {
    const places = yield* orderOf(watch)
    const isFirst = new Uint8Array(watch.length)
    for (let i = 0; i < places.length; i++) {
      if (i % PART === PART - 1) yield
      if (i === 0 || watch[places[i]!] !== watch[places[i - 1]!]) isFirst[places[i]!] = 1
    }
    const tokens: WatchedToken[] = []
    const placeOf = new Uint32Array(watch.length)
    for (let i = 0; i < watch.length; i++) {
      if (i % FEW === FEW - 1) yield
      if (isFirst[i] === 0) continue
      placeOf[i] = tokens.length
      tokens.push(untouched(watch[i]!))
    }
    const order = places.filter((place) => isFirst[place] === 1).map((place) => placeOf[place]!)
    const watched = new Watched(tokens, order)
    yield* watched.#load(row)
    return watched
  }

  *#load(row: Row): Pausing {
    yield* this.#visit(row, (token, i, logit) => {
      this.#logits[i] = logit
      if (logit === Number.NEGATIVE_INFINITY) token.dropped_by = 'logits'
      else token.logit = logit + row.shift
    })
    this.#shift = row.shift
  }

  /** Calls back with each token, ids ascending, and its logit in the row. */
  *#visit(
    { views, survivors }: Row,
    visit: (token: WatchedToken, i: number, logit: number) => void,
  ): Pausing {
    const { ids, logits } = views
    const size = survivors.count()
    let next = 0
    for (let i = 0; i < this.#order.length; i++) {
      if (i % FEW === FEW - 1) yield
      const token = this.#tokens[this.#order[i]!]!
      while (next < size && ids[next]! < token.token_id) next++
      const isInPlay = next < size && ids[next] === token.token_id
      visit(token, i, isInPlay ? logits[next]! : Number.NEGATIVE_INFINITY)
    }
  }

  /** Records what a sampler did. Returns the tokens that it removed, in the order of `watch_token_ids`. */
  *follow(row: Row, sampler: string): Pausing<number[]> {
    // A row that subtracts another number from all logits changes none of them. The new number may be rounded.
    const moved = row.shift - this.#shift
    const rounding = moved === 0 ? 0 : ROUNDING * Math.abs(this.#shift)
    const thresholdAbove = thresholds(row)
    const dropped = new Uint32Array(this.#order.length)
    let count = 0
    yield* this.#visit(row, (token, i, logit) => {
      const before = this.#logits[i]!
      this.#logits[i] = logit
      if (logit > Number.NEGATIVE_INFINITY) {
        if (Math.abs(before - moved - logit) <= rounding) return
        addStep(token, { sampler, logit: logit + row.shift, threshold: null })
        token.dropped_by = null
      } else if (before > Number.NEGATIVE_INFINITY) {
        const threshold = thresholdAbove(before + this.#shift)
        addStep(token, { sampler, logit: null, threshold })
        token.dropped_by = sampler
        dropped[count++] = this.#order[i]!
      }
    })
    this.#shift = row.shift
    if (count > PART) yield
    const places = sortIds(dropped.subarray(0, count))
    return Array.from(places, (place) => this.#tokens[place]!.token_id)
  }

  /** The tokens, with their probabilities and ranks in the row. */
  *end(row: Row): Pausing<WatchedToken[]> {
    const ids = Uint32Array.from(this.#tokens, ({ token_id }) => token_id)
    const { logprobs, ranks } = yield* scoreTokens(row, ids)
    for (let i = 0; i < ids.length; i++) {
      if (i % FEW === FEW - 1) yield
      const logprob = logprobs[i]!
      if (logprob === null) continue
      this.#tokens[i]!.probability = exp(logprob)
      this.#tokens[i]!.rank = ranks[i]!
    }
    return this.#tokens
  }
}

function untouched(token_id: number): WatchedToken {
  return { token_id, dropped_by: null, logit: null, path: [], probability: null, rank: null }
}

/** Makes a list of the exact length, because `push` reserves memory for many more steps. */
function addStep(token: WatchedToken, step: PathStep): void {
  token.path = [...token.path, step]
}

/**
 * The threshold of the last cut, for a token that it removed. If rounding puts the threshold at or below the token,
 * it is the smallest logit in play.
 */
function thresholds(row: Row): (removed: number) => number | null {
  const { threshold } = row
  let least: number | undefined
  return (removed) => {
    if (threshold === undefined) return null
    if (removed < threshold) return threshold
    least ??= leastOf(row) + row.shift
    return least
  }
}

function leastOf({ views, survivors }: Row): number {
  const size = survivors.count()
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < size; i++) if (views.logits[i]! < least) least = views.logits[i]!
  return least
}
