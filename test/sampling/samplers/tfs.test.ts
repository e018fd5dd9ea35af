import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tfs } from '../../../src/sampling/samplers/tfs.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(tfs, {
  cases: [
    // Second differences 0, 0.15 and 0.05.
    [{ tfs: 0.74 }, [0.5, 0.3, 0.1, 0.05, 0.05], [5 / 8, 3 / 8, 0, 0, 0]],
    [{ tfs: 0.76 }, [0.5, 0.3, 0.1, 0.05, 0.05], [5 / 9, 3 / 9, 1 / 9, 0, 0]],
    // The second differences are 0.3 and 0.1; the most likely tokens have the last ids.
    [{ tfs: 0.76 }, [0.1, 0.1, 0.2, 0.6], [0, 0, 1 / 4, 3 / 4]],
    [{ tfs: 0.74 }, [0.1, 0.1, 0.2, 0.6], [0, 0, 0, 1]],
    [{ tfs: 0 }, [0.1, 0.15, 0.2, 0.55], [0, 0, 0, 1]],
    // A straight line has no curvature.
    [{ tfs: 0.1 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
    [{ tfs: 0.1 }, [0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]],
    [{ tfs: 0.1 }, [0.1, 0.9], [0.1, 0.9]],
    [{ tfs: 0.1 }, [0.6, 0.3, 0.1], [1, 0, 0]],
  ],
  rejects: [{ tfs: -0.1 }, { tfs: 1.01 }, { tfs: '0.9' }],
  strengths: fc.record({ tfs: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('keeps the same tokens of a long row and a short one', () => {
  const logits = Float32Array.from([0.5, 0.3, 0.1, 0.05, 0.05], Math.log)
  for (const z of [0.1, 0.74, 0.76, 0.999]) {
    expect(run(padded(logits), { tfs: z }).ids).toEqual(run(logits, { tfs: z }).ids)
  }
})

it('leaves min_tokens_to_keep', () => {
  const params = { tfs: 0.01, min_tokens_to_keep: 3 }
  expect(run(Float32Array.of(1, 2, 9, 4), params).ids).toEqual([1, 2, 3])
  expect(run(padded(Float32Array.of(1, 2, 9, 4)), params).ids).toEqual([1, 2, 3])
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (name, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, ranking } = softmax(logits, temperature)
      const sorted = ranking.map((id) => p[id]!)
      const falls = sorted.slice(1).map((q, i) => sorted[i]! - q)
      const bends = falls.slice(1).map((fall, i) => Math.abs(falls[i]! - fall))
      const total = bends.reduce((a, b) => a + b)
      for (const z of [0.1, 0.5, 0.9, 0.99]) {
        let sum = 0
        const crossing = bends.findIndex((bend) => {
          sum += bend
          return sum > z * total
        })
        const kept = name === 'uniform' ? ranking : ranking.slice(0, crossing + 1)
        expect(run(logits, { temperature, tfs: z }).ids).toEqual(ascending(kept))
      }
    }
  })
})
