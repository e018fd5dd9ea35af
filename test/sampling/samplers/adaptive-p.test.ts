import fc from 'fast-check'
import { expect, it } from 'vitest'
import { adaptiveP } from '../../../src/sampling/samplers/adaptive-p.ts'
import { readRow, readSteps } from '../../golden/read.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(adaptiveP, {
  cases: [
    // Logits 5 and 5 − 10 · 4 / 3, a distance of two widths.
    [{ adaptive_target: 0.8 }, [0.8, 0.2], [0.99999838, 1.62e-6]],
  ],
  rejects: [{ adaptive_target: 1.1 }, { adaptive_target: -2 }, { adaptive_decay: 2 }],
  strengths: fc.record({
    adaptive_target: fc.double({ min: 0, max: 1, noNaN: true }),
    adaptive_decay: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
})

it('remembers the probability of the drawn token before it was changed', () => {
  const logits = Float32Array.from([0.5, 0.3, 0.2], Math.log)
  const settings = { adaptive_target: 0.4, adaptive_decay: 0.5 }
  const { drawn, state } = run(logits, settings, { seed: 3n })
  const p = [0.5, 0.3, 0.2][drawn!.token_ids[0]!]!
  expect(state!.adaptive_weighted_sum).toBeCloseTo(p + 0.5 * (0.4 / 0.5), 6)
  expect(state!.adaptive_total_weight).toBeCloseTo(1 + 0.5 * 2, 12)
})

it('agrees with llama.cpp, each step from its own state', () => {
  let rounded = 0
  for (const { id, params, steps, input } of readSteps('llama_adaptive_p')) {
    for (const step of steps) {
      const logits = readRow({ file: input.file, row: step.row })
      const answer = run(
        logits,
        {
          adaptive_target: params.target!,
          adaptive_decay: params.decay!,
          profile: 'llama.cpp',
        },
        {},
        {
          state: {
            adaptive_weighted_sum: step.weighted_sum_before!,
            adaptive_total_weight: step.total_weight_before!,
          },
        },
      )
      expect(answer.ids, `${id}, row ${step.row}`).toHaveLength(step.kept_count)
      for (const [token, p] of step.top_p!) {
        const own = answer.probabilities[answer.ids.indexOf(token)]!
        // Its normaliser is a float32 sum over the vocabulary; which puts it off by up to 1.1e-5.
        expect(Math.abs(own - p), `${id}, row ${step.row}`).toBeLessThanOrEqual(1.5e-5)
        if (Math.abs(own - p) > 2e-6) rounded++
      }
    }
  }
  expect(rounded).toMatchInlineSnapshot()
})
