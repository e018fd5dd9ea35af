import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pLess } from '../../../src/sampling/samplers/p-less.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(pLess, {
  cases: [
    [{ p_less: true }, [0.1, 0.2, 0.35, 0.35], [0, 0, 0.5, 0.5]], // 0.295
    [{ p_less: true }, [0.3, 0.3, 0.3, 0.1], [1 / 3, 1 / 3, 1 / 3, 0]], // 0.28
    [{ p_less: true }, [0, 1, 0], [0, 1, 0]],
    [{ p_less: false }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
  ],
  rejects: [{ p_less: 1 }, { p_less: 'true' }, { p_less: null }],
  strengths: fc.constant({ p_less: true }),
})

it('keeps all of n equal tokens, whatever the rounding', () => {
  for (let n = 1; n <= 300; n++) {
    expect(run(new Float32Array(n), { p_less: true }).ids.length).toBe(n)
    expect(run(padded(new Float32Array(n)), { p_less: true }).ids.length).toBe(n)
  }
})

it('leaves a distribution at any temperature', () => {
  const logits = Float32Array.of(1, 2, 2)
  for (const temperature of [5e-324, 1e-300, 1, 1e300]) {
    expect(run(logits, { temperature, p_less: true }).ids).toEqual([1, 2])
    expect(run(padded(logits), { temperature, p_less: true }).ids).toEqual([1, 2])
  }
})

it('leaves min_tokens_to_keep', () => {
  const params = { p_less: true, min_tokens_to_keep: 3 }
  expect(run(Float32Array.of(1, 2, 9, 4), params).ids).toEqual([1, 2, 3])
  expect(run(padded(Float32Array.of(1, 2, 9, 4)), params).ids).toEqual([1, 2, 3])
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows).filter(([name]) => name !== 'uniform'))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, ranking } = softmax(logits, temperature)
      const collision = p.reduce((sum, q) => sum + q * q, 0)
      const kept = ranking.filter((id) => p[id]! >= collision)
      expect(run(logits, { temperature, p_less: true }).ids).toEqual(ascending(kept))
    }
  })
})
