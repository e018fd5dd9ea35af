import fc from 'fast-check'
import { expect, it } from 'vitest'
import { adaptiveP } from '../../../src/sampling/samplers/adaptive-p.ts'
import { readRow, readSteps } from '../../golden/read.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(adaptiveP, {
  cases: [
    // Logits 5, and 5 − 10 · 4 / 3 at a distance of two widths.
    [{ adaptive_target: 0.8 }, [0.8, 0.2], [0.99999838, 1.62e-6]],
  ],
  rejects: [{ adaptive_target: 1.1 }, { adaptive_target: -2 }, { adaptive_decay: 2 }],
  strengths: fc.record({
    adaptive_target: fc.double({ min: 0, max: 1, noNaN: true }),
    adaptive_decay: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
})

it('remembers the probability of the drawn token before its own change', () => {
  const logits = Float32Array.from([0.5, 0.3, 0.2], Math.log)
  const settings = { adaptive_target: 0.4, adaptive_decay: 0.5 }
  const { drawn, state } = run(logits, settings, { seed: 3n })
  const p = [0.5, 0.3, 0.2][drawn!.token_ids[0]!]!
  expect(state!.adaptive_weighted_sum).toBeCloseTo(p + 0.5 * (0.4 / 0.5), 6)
  expect(state!.adaptive_total_weight).toBeCloseTo(1 + 0.5 * 2, 12)
})

/** The definition, in float64. */
function byDefinition(logits: Float32Array, target: number): number[] {
  const softmax = (values: number[]) => {
    const max = values.reduce((a, b) => Math.max(a, b))
    const terms = values.map((value) => Math.exp(value - max))
    const total = terms.reduce((a, b) => a + b)
    return terms.map((term) => term / total)
  }
  const distances = softmax(Array.from(logits)).map((p) => Math.abs(p - target) / 0.3)
  return softmax(distances.map((d) => 5 - (10 * d * d) / (1 + d)))
}

it('agrees with llama.cpp, each step from its own state', () => {
  let compared = 0
  let rounded = 0
  for (const { id, params, steps, input } of readSteps('llama_adaptive_p')) {
    for (const step of steps) {
      const logits = readRow({ file: input.file, row: step.row })
      const sum = step.weighted_sum_before!
      const weight = step.total_weight_before!
      const settings = { adaptive_target: params.target!, adaptive_decay: params.decay! }
      const state = { adaptive_weighted_sum: sum, adaptive_total_weight: weight }
      const answer = run(logits, { ...settings, profile: 'llama.cpp' }, {}, { state })
      expect(answer.ids, `${id}, row ${step.row}`).toHaveLength(step.kept_count)
      const target = Math.min(1, Math.max(0, 2 * params.target! - sum / weight))
      const exact = params.target! < 0 ? undefined : byDefinition(logits, target)
      for (const [token, p] of step.top_p!) {
        const own = answer.probabilities[answer.ids.indexOf(token)]!
        if (exact) expect(Math.abs(own / exact[token]! - 1)).toBeLessThanOrEqual(1e-6)
        // The engine's normaliser is a float32 sum over the vocabulary. Kelvin has the definition, which
        // the line above compares.
        compared++
        if (Math.abs(own - p) > 2e-6) rounded++
      }
    }
  }
  expect({ compared, rounded }).toMatchInlineSnapshot(`
    {
      "compared": 4096,
      "rounded": 164,
    }
  `)
})
