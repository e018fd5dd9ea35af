import { BLOCK } from '../kernel/index.ts'

/**
 * A tree of sums: weights, the sums of their blocks, the sums of blocks of these, and so on. Finding a place by
 * the running sum, or clearing one, takes one block of each level instead of a pass over all weights.
 */
export interface SumTree {
  total(): number
  /** The first place at which the running sum exceeds `target`; if there is none, the last with a weight above 0. */
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
        // By rounding, the running sum may end below the target; then the last place is taken.
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
