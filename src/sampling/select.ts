/** Where a ranking by (logit descending, id ascending) is cut. */
export interface Cut {
  /** Every larger logit is kept. */
  threshold: number
  /** How many logits equal to the threshold are kept, lowest ids first. */
  ties: number
}

/**
 * The shortest prefix of the ranking whose weights sum to `target` or more; all of it when they
 * never do. Weights are overwritten, and so are keys: both are scratch.
 *
 * A quickselect that carries the weight of what it has already placed, so nothing is sorted and
 * the expected cost is linear.
 */
export function cutByWeight(
  keys: Float64Array,
  weights: Float64Array,
  size: number,
  target: number,
): Cut {
  let start = 0
  let end = size
  let above = 0
  while (true) {
    const pivot = medianOfThree(keys[start]!, keys[(start + end) >>> 1]!, keys[end - 1]!)

    // Partition into larger | equal | smaller. Equal keys have equal weights.
    let equal = start
    let next = start
    let smaller = end
    let larger = 0
    let each = 0
    while (next < smaller) {
      const key = keys[next]!
      const weight = weights[next]!
      if (key > pivot) {
        keys[next] = keys[equal]!
        weights[next] = weights[equal]!
        keys[equal] = key
        weights[equal] = weight
        larger += weight
        equal++
        next++
      } else if (key < pivot) {
        smaller--
        keys[next] = keys[smaller]!
        weights[next] = weights[smaller]!
        keys[smaller] = key
        weights[smaller] = weight
      } else {
        each = weight
        next++
      }
    }

    if (equal > start && above + larger >= target) {
      end = equal
      continue
    }
    above += larger
    let ties = 0
    while (ties < smaller - equal) {
      ties++
      above += each
      if (above >= target) return { threshold: pivot, ties }
    }
    if (smaller === end) return { threshold: pivot, ties }
    start = smaller
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
