import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { epsilonCutoff } from '../../../src/sampling/samplers/epsilon-cutoff.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(epsilonCutoff, {
  cases: [
    [{ epsilon_cutoff: 0.15 }, [0.1, 0.2, 0.3, 0.4], [0, 2 / 9, 3 / 9, 4 / 9]],
    [{ epsilon_cutoff: 1e-9 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
    [{ epsilon_cutoff: 0.5 }, [0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]], // no token reaches 0.5, so the most likely stays
    [{ epsilon_cutoff: 1 }, [0.4, 0.2, 0.4], [1, 0, 0]], // of tied tokens the lower id
    [{ epsilon_cutoff: 1 }, [0, 1], [0, 1]],
  ],
  rejects: [{ epsilon_cutoff: -0.1 }, { epsilon_cutoff: 1.01 }, { epsilon_cutoff: '0.1' }],
  strengths: fc.record({ epsilon_cutoff: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('keeps n equal tokens at 1 / n, whatever the rounding', () => {
  for (let n = 1; n <= 300; n++) {
    expect(run(new Float32Array(n), { epsilon_cutoff: 1 / n }).ids.length).toBe(n)
  }
  expect(run(new Float32Array(4999), { epsilon_cutoff: 1 / 4999 }).ids.length).toBe(4999)
})

it('leaves min_tokens_to_keep, with all ties under transformers', () => {
  const params = { epsilon_cutoff: 0.9, min_tokens_to_keep: 2 }
  for (const row of [Float32Array.of(1, 2, 1, 0), padded(Float32Array.of(1, 2, 1, 0))]) {
    expect(run(row, params).ids).toEqual([0, 1])
    expect(run(row, { ...params, profile: 'transformers' }).ids).toEqual([0, 1, 2])
  }
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, ranking } = softmax(logits, temperature)
      for (const epsilon_cutoff of [1e-5, 3e-4, 0.01, 0.3]) {
        const kept = ranking.filter((id) => p[id]! >= epsilon_cutoff)
        const expected = kept.length > 0 ? kept : ranking.slice(0, 1)
        expect(run(logits, { temperature, epsilon_cutoff }).ids).toEqual(ascending(expected))
      }
    }
  })
})
