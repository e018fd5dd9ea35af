import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cutByWeight } from '../../src/algorithms/select.ts'

/** The cut by sorting, as a reference. */
function bySorting(keys: number[], weights: number[], target: number) {
  const ranking = keys.map((key, i) => ({ key, weight: weights[i]! })).sort((a, b) => b.key - a.key)
  let sum = 0
  let kept = 0
  while (kept < ranking.length) {
    sum += ranking[kept++]!.weight
    if (sum >= target) break
  }
  const threshold = ranking[kept - 1]!.key
  return { threshold, ties: ranking.slice(0, kept).filter(({ key }) => key === threshold).length }
}

it('cuts at the same place as sorting', () => {
  // Weights are integers, so that sums do not depend on their order.
  const entries = fc.array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.nat(9)), {
    minLength: 1,
    maxLength: 200,
  })
  fc.assert(
    fc.property(entries, fc.double({ min: 0, max: 1.1, noNaN: true }), (pairs, share) => {
      const keys = pairs.map(([key]) => key)
      // Equal keys have equal weights, as equal logits have equal probabilities.
      const weightOf = new Map(pairs)
      const weights = keys.map((key) => weightOf.get(key)!)
      const target = share * weights.reduce((a, b) => a + b)
      expect(
        cutByWeight(Float64Array.from(keys), Float64Array.from(weights), keys.length, target),
      ).toMatchObject(bySorting(keys, weights, target))
    }),
  )
})
