import { BLOCK } from '../kernel/index.ts'

/**
 * Weights, and their sums by blocks of neighbours, and the sums of these, and so on: to find a place by
 * the running sum, or to clear one, costs a few blocks and no pass over all.
 */
export interface SumTree {
  total(): number
  /** The first place at which the running sum exceeds `target`, else the last that weighs anything. */
  find(target: number): number
  clear(place: number): void
}

export function sumTree(weights: Float64Array): SumTree {
  const levels = [weights.slice()]
  while (levels.at(-1)!.length > 1) {
    const below = levels.at(-1)!
    const sums = new Float64Array(Math.ceil(below.length / BLOCK))
    for (let i = 0; i < sums.length; i++) sums[i] = sumOf(below, i)
    levels.push(sums)
  }

  return {
    total: () => levels.at(-1)![0]!,

    find(target) {
      let place = 0
      let before = 0
      for (let depth = levels.length - 2; depth >= 0; depth--) {
        const sums = levels[depth]!
        const end = Math.min(sums.length, (place + 1) * BLOCK)
        let found: number | undefined
        // Rounding may leave the running sum short of its target at the very end.
        for (let i = place * BLOCK; i < end; i++) {
          if (sums[i] === 0) continue
          if (found !== undefined) before += sums[found]!
          found = i
          if (before + sums[i]! > target) break
        }
        place = found ?? place * BLOCK
      }
      return place
    },

    clear(place) {
      levels[0]![place] = 0
      for (let depth = 1; depth < levels.length; depth++) {
        place = Math.floor(place / BLOCK)
        levels[depth]![place] = sumOf(levels[depth - 1]!, place)
      }
    },
  }
}

function sumOf(values: Float64Array, block: number): number {
  const end = Math.min(values.length, (block + 1) * BLOCK)
  let sum = 0
  for (let i = block * BLOCK; i < end; i++) sum += values[i]!
  return sum
}
