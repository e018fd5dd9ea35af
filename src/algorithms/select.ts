import { reusable } from './reusable.ts'

/** A cut of a ranking by key, descending. */
export interface Cut {
  /** All keys above this are kept. */
  threshold: number
  /** The number of keys equal to the threshold that are kept, lowest places first. */
  ties: number
  /** The weight of the kept entries: without the last one, and with it. */
  before: number
  after: number
}

const keysOf = reusable()
const weightsOf = reusable()
let keys = keysOf(0)
let weights = weightsOf(0)

const BINS = 1024
const binWeights = new Float64Array(BINS)

/** Below this many entries a histogram costs more than it saves. */
const HISTOGRAM_FROM = 2048

/**
 * Cuts the ranking after its shortest prefix whose weights sum to at least `target`, or to more than `target` if
 * `strict`. If no prefix does, everything is kept. Weights are 1 by default; equal values have equal weights.
 *
 * Nothing is sorted. If there are many entries, a histogram finds the narrow range of keys that contains the cut.
 * A quickselect, which carries the weight of the entries above its range, finds the cut there.
 */
export function cutByWeight(
  values: Float64Array,
  weightOf: Float64Array | undefined,
  size: number,
  target: number,
  strict = false,
): Cut {
  if (size === 0) return { threshold: Number.POSITIVE_INFINITY, ties: 0, before: 0, after: 0 }
  keys = keysOf(size)
  weights = weightsOf(size)
  if (size < HISTOGRAM_FROM) {
    keys.set(values.subarray(0, size))
    if (weightOf) weights.set(weightOf.subarray(0, size))
    else weights.fill(1, 0, size)
    return quickselect(size, 0, target, strict)
  }
  return cutByHistogram(values, weightOf, size, target, strict)
}

function cutByHistogram(
  values: Float64Array,
  weightOf: Float64Array | undefined,
  size: number,
  target: number,
  strict: boolean,
): Cut {
  let max = Number.NEGATIVE_INFINITY
  let min = Number.POSITIVE_INFINITY
  for (let i = 0; i < size; i++) {
    const key = values[i]!
    if (key > max) max = key
    if (key < min) min = key
  }
  const scale = max > min ? (BINS - 1) / (max - min) : 0

  binWeights.fill(0)
  if (weightOf) {
    for (let i = 0; i < size; i++) binWeights[((max - values[i]!) * scale) | 0]! += weightOf[i]!
  } else {
    for (let i = 0; i < size; i++) binWeights[((max - values[i]!) * scale) | 0]!++
  }
  let bin = 0
  let above = 0
  while (bin < BINS - 1 && !reaches(above + binWeights[bin]!, target, strict))
    above += binWeights[bin++]!

  let count = 0
  for (let i = 0; i < size; i++) {
    if ((((max - values[i]!) * scale) | 0) !== bin) continue
    keys[count] = values[i]!
    weights[count] = weightOf ? weightOf[i]! : 1
    count++
  }
  // By rounding, the sum may never reach its target, and the last bin may be empty.
  if (count === 0) return { threshold: min, ties: size, before: above, after: above }
  return quickselect(count, above, target, strict)
}

/** Finds the cut among the first `size` of `keys`, and reorders them. `above` is the weight of all entries that rank before them. */
function quickselect(size: number, above: number, target: number, strict: boolean): Cut {
  let start = 0
  let end = size
  while (true) {
    const pivot = medianOfThree(keys[start]!, keys[(start + end) >>> 1]!, keys[end - 1]!)

    // Partition into larger | equal | smaller.
    let equal = start
    let next = start
    let smaller = end
    let larger = 0
    let each = 0
    while (next < smaller) {
      const key = keys[next]!
      const weight = weights[next]!
      if (key > pivot) {
        swap(next, equal)
        larger += weight
        equal++
        next++
      } else if (key < pivot) {
        smaller--
        swap(next, smaller)
      } else {
        each = weight
        next++
      }
    }

    if (equal > start && reaches(above + larger, target, strict)) {
      end = equal
      continue
    }
    above += larger
    let ties = 0
    while (ties < smaller - equal) {
      ties++
      const before = above
      above += each
      if (reaches(above, target, strict) || (ties === smaller - equal && smaller === end)) {
        return { threshold: pivot, ties, before, after: above }
      }
    }
    start = smaller
  }
}

function reaches(sum: number, target: number, strict: boolean): boolean {
  return strict ? sum > target : sum >= target
}

function swap(a: number, b: number): void {
  const key = keys[a]!
  const weight = weights[a]!
  keys[a] = keys[b]!
  weights[a] = weights[b]!
  keys[b] = key
  weights[b] = weight
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
