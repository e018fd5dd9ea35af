import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { reusable } from '../../algorithms/reusable.ts'
import { cutByWeight } from '../../algorithms/select.ts'
import { keepCut, widened } from './cuts.ts'
import { TAIL_ERROR } from './dense.ts'
import type { Row } from './row.ts'
import { addUp, massSum } from './statistics.ts'
import { dropTail } from './tail.ts'

/** Cuts that keep a share of the probability. */

/** Numbers of most likely tokens among which a cut is sought, before it is sought among all. */
const REACHES = [256, 4096]

/**
 * Of tokens equally near to a center, the likelier ones come first: this factor makes the others a little farther.
 * Distances that differ only by rounding count as equal.
 */
const ABOVE_FIRST = 1 + 1e-14

/** A distance to a center below this, in nats, counts as 0. */
const SAME = 1e-25

const nearnessOf = reusable()

export interface Share {
  readonly share: number
  /**
   * A distance to the most likely token, in nats: the tokens nearest to it come first. Omitted: the most likely
   * tokens come first.
   */
  readonly center?: number
  /** Whether the kept tokens must hold more than the share, and not only reach it. */
  readonly strict?: boolean
  /** Whether all tokens that tie with the last one stay. */
  readonly allTies?: boolean
}

/**
 * Keeps the fewest tokens, in the order of `center`, that hold the share of the probability. If they are fewer than
 * `minTokensToKeep`, it keeps that number instead.
 */
export function* keepShare(row: Row, wanted: Share): Pausing {
  if (row.isLarge) {
    yield* addUp(row)
    yield
  }
  if (!row.isDense || !keepFew(row, wanted)) yield* keepAmongAll(row, wanted)
  row.cutList(row.minTokensToKeep)
}

/**
 * Cuts a dense row without making it survivors first. The cut is sought among ever more of the most likely tokens,
 * and then from the other end. Returns false, and cuts nothing, if it finds no cut that is certain despite the error
 * of the kernel's sum.
 */
function keepFew(row: Row, wanted: Share): boolean {
  const { dense, minTokensToKeep, temperature } = row
  const { share, center, strict, allTies } = wanted
  const { total, tail } = massSum(row)
  const target = share * total
  const doubt = share * tail * TAIL_ERROR
  for (const reach of REACHES) {
    const threshold = dense.thresholdFor(Math.max(reach, minTokensToKeep))
    if (threshold === Number.NEGATIVE_INFINITY) return false
    const size = dense.collect(threshold)
    const mass = row.weigh(size)
    if (mass < target + doubt) continue
    const keys = keysOf(row, wanted, size)
    const cut = cutByWeight(keys, row.views.masses, size, target, strict)
    if (target - cut.before <= doubt || cut.after - target < doubt) break
    const kept = widened(row, allTies ? { ...cut, ties: size } : cut, keys, size)
    if (center !== undefined && kept.threshold <= relative(row, threshold, center)) continue
    row.become(size)
    keepCut(row, kept, keys, allTies)
    return true
  }
  if (center !== undefined) return false
  const dropped = 1 - share
  if (!dropTail(dense, dropped * total, dropped * tail * TAIL_ERROR, temperature)) return false
  row.sum = undefined
  return true
}

/** The difference of a token with this logit to the center; above 0 if the token is likelier. */
function relative(row: Row, logit: number, center: number): number {
  return (logit - row.max()) / row.temperature - center
}

/** The keys by which the first `size` entries of the arrays are ranked. The largest comes first. */
function keysOf(row: Row, { center }: Share, size: number): Float64Array {
  if (center === undefined) return row.views.logits
  const nearness = nearnessOf(size)
  fillNearness(row, nearness, center, 0, size)
  return nearness
}

function fillNearness(
  row: Row,
  nearness: Float64Array,
  center: number,
  start: number,
  end: number,
): void {
  const { views, temperature } = row
  const { logits } = views
  const max = row.max()
  for (let i = start; i < end; i++) {
    const above = (logits[i]! - max) / temperature - center
    if (Math.abs(above) < SAME) nearness[i] = 0
    else nearness[i] = above > 0 ? -above : above * ABOVE_FIRST
  }
}

/**
 * Whether the place of the cut depends on tokens that a sparse row leaves out, because they hold a part of what it
 * keeps.
 */
function isUnsure(row: Row, target: number, total: number): boolean {
  if (!row.coverage.isPartial) return false
  const unseen = row.coverage.neededMass(row.maxUnshifted())
  return target > total - unseen || row.minTokensToKeep > row.count()
}

/** Cuts among all tokens in play. It pauses only if there are very many. */
function* keepAmongAll(row: Row, { share, center, strict, allTies }: Share): Pausing {
  const { isLarge, views } = row
  if (row.isDense) {
    row.gather()
    if (isLarge) yield
  }
  if (isLarge) {
    yield* addUp(row)
    yield
  }
  const { total } = massSum(row)
  const target = share * total
  if (isUnsure(row, target, total)) {
    row.coverage.cutUnsurely()
    return
  }
  const size = row.count()
  const keys = center === undefined ? views.logits : nearnessOf(size)
  for (let start = 0; center !== undefined && start < size; start += PART) {
    fillNearness(row, keys, center, start, Math.min(size, start + PART))
    if (isLarge) yield
  }
  const cut = cutByWeight(keys, views.masses, size, target, strict)
  if (isLarge) yield
  const kept = widened(row, allTies ? { ...cut, ties: size } : cut, keys, size)
  if (isLarge) yield
  keepCut(row, kept, keys, allTies)
}
