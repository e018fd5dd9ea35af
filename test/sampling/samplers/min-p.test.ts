import fc from 'fast-check'
import { expect, it } from 'vitest'
import { minP } from '../../../src/sampling/samplers/min-p.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(minP, {
  cases: [
    [{ min_p: 0.4 }, [0.1, 0.2, 0.3, 0.4], [0, 2 / 9, 3 / 9, 4 / 9]],
    [{ min_p: 1 }, [0.3, 0.3, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3, 0]], // tokens tied with the most likely stay
    [{ min_p: 1e-9 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
  ],
  rejects: [{ min_p: -0.1 }, { min_p: 1.01 }, { min_p: '0.1' }],
  strengths: fc.record({ min_p: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('uses the tempered distribution only if temperature runs before it', () => {
  const logits = Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log)
  const settings = { temperature: 2, min_p: 0.6 }
  // √(0.2 / 0.4) is above 0.6, and 0.2 / 0.4 is below.
  expect(run(logits, settings).ids).toEqual([0, 1, 2])
  expect(run(logits, { ...settings, profile: 'llama.cpp' }).ids).toEqual([0, 1])
})

it('leaves min_tokens_to_keep', () => {
  expect(run(Float32Array.of(1, 2, 9, 4), { min_p: 0.9, min_tokens_to_keep: 2 }).ids).toEqual([
    2, 3,
  ])
})
