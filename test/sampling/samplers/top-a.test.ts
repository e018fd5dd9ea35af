import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topA } from '../../../src/sampling/samplers/top-a.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(topA, {
  cases: [
    [{ top_a: 1 }, [0.1, 0.2, 0.3, 0.4], [0, 2 / 9, 3 / 9, 4 / 9]], // 0.16
    [{ top_a: 0.5 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]], // 0.08
    [{ top_a: 0.2 }, [0.9, 0.09, 0.01], [1, 0, 0]], // 0.162
    [{ top_a: 0.1 }, [0.9, 0.09, 0.01], [90 / 99, 9 / 99, 0]], // 0.081
    [{ top_a: 1 }, [0, 1, 0], [0, 1, 0]],
  ],
  rejects: [{ top_a: -0.1 }, { top_a: 1.01 }, { top_a: '0.1' }],
  strengths: fc.record({ top_a: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('leaves min_tokens_to_keep', () => {
  const params = { top_a: 1, min_tokens_to_keep: 3 }
  expect(run(Float32Array.of(1, 2, 9, 4), params).ids).toEqual([1, 2, 3])
  expect(run(padded(Float32Array.of(1, 2, 9, 4)), params).ids).toEqual([1, 2, 3])
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, ranking } = softmax(logits, temperature)
      for (const top_a of [0.001, 0.1, 0.5, 1]) {
        const least = top_a * p[ranking[0]!]! * p[ranking[0]!]!
        const kept = ranking.filter((id) => p[id]! >= least)
        expect(run(logits, { temperature, top_a }).ids).toEqual(ascending(kept))
      }
    }
  })
})
