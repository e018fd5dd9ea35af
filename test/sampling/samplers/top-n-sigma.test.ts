import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topNSigma } from '../../../src/sampling/samplers/top-n-sigma.ts'
import { longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { anyLogits, describeSampler } from '../tester.ts'

describeSampler(topNSigma, {
  cases: [
    // Logits 2, 1, 1 and 0 bits: the deviation is √0.5.
    [{ top_n_sigma: 1 }, [4 / 9, 2 / 9, 2 / 9, 1 / 9], [1, 0, 0, 0]],
    [{ top_n_sigma: 1.5 }, [4 / 9, 2 / 9, 2 / 9, 1 / 9], [1 / 2, 1 / 4, 1 / 4, 0]],
    [{ top_n_sigma: 3 }, [4 / 9, 2 / 9, 2 / 9, 1 / 9], [4 / 9, 2 / 9, 2 / 9, 1 / 9]],
    [{ top_n_sigma: 1e-9 }, [0.4, 0.4, 0.2], [0.5, 0.5, 0]], // tokens tied with the largest stay
    [{ top_n_sigma: -1 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
  ],
  rejects: [{ top_n_sigma: -1.5 }, { top_n_sigma: '1' }, { top_n_sigma: Number.NaN }],
  strengths: fc.record({ top_n_sigma: fc.double({ min: 0, max: 5, noNaN: true }) }),
})

it('keeps tokens exactly at the bound, and ignores masked tokens', () => {
  // −1 and 1 have mean 0 and deviation 1. A third entry would change both.
  const logits = Float32Array.of(-1, Number.NEGATIVE_INFINITY, 1)
  expect(run(logits, { top_n_sigma: 2 }).ids).toEqual([0, 2])
  expect(run(padded(logits), { top_n_sigma: 2 }).ids).toEqual([0, 2])
  expect(run(logits, { top_n_sigma: 1.999 }).ids).toEqual([2])
})

it('keeps the same tokens at any temperature', () => {
  const n = fc.double({ min: 0.1, max: 4, noNaN: true })
  fc.assert(
    fc.property(anyLogits, n, fc.constantFrom(0.01, 0.7, 5), (logits, top_n_sigma, temperature) => {
      expect(run(logits, { top_n_sigma, temperature }).ids).toEqual(
        run(logits, { top_n_sigma }).ids,
      )
    }),
  )
})

it('never overflows', () => {
  const logits = Float32Array.of(3.4e38, -3.4e38, 0, 1)
  expect(run(logits, { top_n_sigma: 1 }).ids).toEqual([0])
  expect(run(logits, { top_n_sigma: Number.MAX_VALUE }).ids).toEqual([0, 1, 2, 3])
})

it('leaves min_tokens_to_keep', () => {
  const params = { top_n_sigma: 0.01, min_tokens_to_keep: 2 }
  expect(run(Float32Array.of(1, 2, 9, 4), params).ids).toEqual([2, 3])
  expect(run(padded(Float32Array.of(1, 2, 9, 4)), params).ids).toEqual([2, 3])
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (_, logits) => {
    const { ranking, max } = softmax(logits)
    const mean = ranking.reduce((sum, id) => sum + logits[id]!, 0) / ranking.length
    const squares = ranking.reduce((sum, id) => sum + (logits[id]! - mean) ** 2, 0)
    const sigma = Math.sqrt(squares / ranking.length)
    for (const top_n_sigma of [0.5, 1, 2, 3.5]) {
      const kept = ranking.filter((id) => logits[id]! >= max - top_n_sigma * sigma)
      expect(run(logits, { top_n_sigma }).ids).toEqual(kept.sort((a, b) => a - b))
    }
  })
})
