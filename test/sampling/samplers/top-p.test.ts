import fc from 'fast-check'
import { expect, it } from 'vitest'
import { topP } from '../../../src/sampling/samplers/top-p.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(topP, {
  cases: [
    [{ top_p: 0.8 }, [0.1, 0.2, 0.3, 0.4], [0, 2 / 9, 3 / 9, 4 / 9]],
    [{ top_p: 1e-9 }, [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]],
    [{ top_p: 0 }, [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]],
    // Ties are cut when the mass is reached, lower ids first.
    [{ top_p: 0.5 }, [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0]],
    [{ top_p: 0.51 }, [0.25, 0.25, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3, 0]],
  ],
  rejects: [{ top_p: -0.1 }, { top_p: 1.01 }, { top_p: '0.9' }, { top_p: null }],
  strengths: fc.record({ top_p: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('uses the probabilities after earlier filters, renormalised', () => {
  const logits = Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log)
  // Two tokens are left, 4/7 and 3/7. The first alone reaches 0.57, but not 0.58.
  expect(run(logits, { top_k: 2, top_p: 0.57 }).ids).toEqual([0])
  expect(run(logits, { top_k: 2, top_p: 0.58 }).ids).toEqual([0, 1])
})

it('leaves min_tokens_to_keep', () => {
  expect(run(Float32Array.of(1, 2, 9, 4), { top_p: 0.1, min_tokens_to_keep: 3 }).ids).toEqual([
    1, 2, 3,
  ])
})
