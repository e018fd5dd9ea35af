import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { etaCutoff } from '../../../src/sampling/samplers/eta-cutoff.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(etaCutoff, {
  cases: [
    // e^−H is 0.2973.
    [{ eta_cutoff: 0.09 }, [0.5, 0.25, 0.125, 0.125], [0.5, 0.25, 0.125, 0.125]], // √ε e^−H = 0.0892
    [{ eta_cutoff: 0.2 }, [0.5, 0.25, 0.125, 0.125], [2 / 3, 1 / 3, 0, 0]], // 0.133
    [{ eta_cutoff: 1 }, [0.5, 0.25, 0.125, 0.125], [1, 0, 0, 0]], // 0.2973
    [{ eta_cutoff: 0.1 }, [0.98, 0.01, 0.01], [1, 0, 0]], // ε itself, for √ε e^−H is 0.28
    [{ eta_cutoff: 1 }, [0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]],
  ],
  rejects: [{ eta_cutoff: -0.1 }, { eta_cutoff: 1.01 }, { eta_cutoff: '0.1' }],
  strengths: fc.record({ eta_cutoff: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('leaves min_tokens_to_keep, with all ties under transformers', () => {
  const params = { eta_cutoff: 1, min_tokens_to_keep: 2 }
  for (const row of [Float32Array.of(1, 5, 1, 0), padded(Float32Array.of(1, 5, 1, 0))]) {
    expect(run(row, params).ids).toEqual([0, 1])
    expect(run(row, { ...params, profile: 'transformers' }).ids).toEqual([0, 1, 2])
  }
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, entropy, ranking } = softmax(logits, temperature)
      for (const eta_cutoff of [1e-5, 3e-4, 0.01, 0.3]) {
        const eta = Math.min(eta_cutoff, Math.sqrt(eta_cutoff) * Math.exp(-entropy))
        const kept = ranking.filter((id) => p[id]! >= eta)
        const expected = kept.length > 0 ? kept : ranking.slice(0, 1)
        expect(run(logits, { temperature, eta_cutoff }).ids).toEqual(ascending(expected))
      }
    }
  })
})
