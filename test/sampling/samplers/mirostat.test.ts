import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mirostat } from '../../../src/sampling/samplers/mirostat.ts'
import { readRow, readSteps } from '../../golden/read.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(mirostat, {
  cases: [
    [{ mirostat: 2, mirostat_tau: 1.5 }, [0.1, 0.2, 0.3, 0.4], [0, 2 / 9, 3 / 9, 4 / 9]],
    [{ mirostat: 2, mirostat_tau: 0 }, [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]],
  ],
  rejects: [{ mirostat: 3 }, { mirostat: true }, { mirostat_tau: -1 }, { mirostat_eta: '0.1' }],
  strengths: fc.record({
    mirostat: fc.constantFrom(1 as const, 2 as const),
    mirostat_tau: fc.double({ min: 0, max: 10, noNaN: true }),
  }),
})

it('moves μ by the surprise of the drawn token, from the given state', () => {
  const logits = Float32Array.from([0.5, 0.25, 0.25], Math.log)
  const first = run(logits, { mirostat: 2, mirostat_tau: 3, mirostat_eta: 0.5 }, { seed: 1n })
  const p = [0.5, 0.25, 0.25][first.drawn!.token_ids[0]!]!
  expect(first.state!.mirostat_mu).toBeCloseTo(6 - 0.5 * (-Math.log2(p) - 3), 6)
  const next = run(
    logits,
    { mirostat: 2, mirostat_tau: 3, mirostat_eta: 0.5 },
    {},
    { state: { mirostat_mu: 1.5 } },
  )
  expect(next.ids).toEqual([0])
  expect(next.state!.mirostat_mu).toBeCloseTo(1.5 - 0.5 * (0 - 3), 12)
})

describe('agrees with llama.cpp, each step from its own state', () => {
  it.each([1, 2] as const)('version %d', (version) => {
    const cases = readSteps(version === 1 ? 'llama_mirostat' : 'llama_mirostat_v2')
    for (const { id, input, params, steps } of cases) {
      for (const step of steps) {
        const answer = run(
          readRow({ file: input.file, row: step.row }),
          {
            mirostat: version,
            mirostat_tau: params.tau!,
            mirostat_eta: params.eta!,
            profile: 'llama.cpp',
          },
          {},
          { state: { mirostat_mu: step.mu_before! } },
        )
        expect(answer.ids, `${id}, row ${step.row}`).toHaveLength(step.kept_count)
        if (Array.isArray(step.kept)) expect(answer.ids).toEqual(step.kept)
        const p = answer.probabilities[answer.ids.indexOf(step.selected)]!
        expect(Math.abs(p - step.p_selected)).toBeLessThanOrEqual(2e-6)
        // The state after the engine's token, as if Kelvin had drawn it.
        const mu = step.mu_before! - params.eta! * (-Math.log2(p) - params.tau!)
        expect(Math.abs(mu - step.mu_after!)).toBeLessThanOrEqual(1e-5)
      }
    }
  })
})
