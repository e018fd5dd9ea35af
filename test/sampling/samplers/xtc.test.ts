import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { xtc } from '../../../src/sampling/samplers/xtc.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { dense, run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const always = { xtc_probability: 1 }

describeSampler(xtc, {
  cases: [
    [{ ...always, xtc_threshold: 0.25 }, [0.1, 0.2, 0.3, 0.4], [1 / 6, 2 / 6, 3 / 6, 0]],
    [{ ...always, xtc_threshold: 0.35 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]], // only one token is likely enough
    [{ ...always, xtc_threshold: 0.51 }, [0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]],
    [{ ...always, xtc_threshold: 0 }, [0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0]],
    [{ xtc_probability: 0, xtc_threshold: 0.2 }, [0.3, 0.3, 0.4], [0.3, 0.3, 0.4]],
    // Of the tied least likely tokens exactly one stays, the last of the ranking.
    [{ ...always, xtc_threshold: 0.15 }, [0.2, 0.2, 0.2, 0.4], [0, 0, 1, 0]],
    // 0.4 is protected, and 0.3 is the least likely of the others.
    [
      { ...always, xtc_threshold: 0.15, xtc_protected_token_ids: [3, 1] },
      [0.1, 0.2, 0.3, 0.4],
      [0.1, 0.2, 0.3, 0.4],
    ],
    [
      { ...always, xtc_threshold: 0.15, xtc_protected_token_ids: [3] },
      [0.1, 0.2, 0.3, 0.4],
      [1 / 7, 2 / 7, 0, 4 / 7],
    ],
    // The mean of (0.1, 0.2, 0.3, 0.4) and (1/3, 2/3, 0, 0), in odds.
    [
      { xtc_probability: 0.5, xtc_threshold: 0.15, xtc_mode: 'expected' },
      [0.1, 0.2, 0.3, 0.4],
      [0.65 / 3, 1.3 / 3, 0.15, 0.2],
    ],
    [{ ...always, xtc_threshold: 0.15, xtc_mode: 'expected' }, [0.1, 0.4, 0.5], [0.2, 0.8, 0]],
  ],
  rejects: [
    { xtc_probability: -0.1 },
    { xtc_probability: 1.1 },
    { xtc_threshold: 2 },
    { xtc_mode: 'mean' },
    { xtc_protected_token_ids: [1.5] },
  ],
  strengths: fc.record({
    xtc_probability: fc.double({ min: 0, max: 1, noNaN: true }),
    xtc_threshold: fc.double({ min: 0, max: 1, noNaN: true }),
    xtc_mode: fc.constantFrom('sample', 'expected'),
  }),
})

it('counts n equal tokens as likely enough at a threshold of 1 / n', () => {
  for (let n = 2; n <= 100; n++) {
    const { ids } = run(new Float32Array(n), { ...always, xtc_threshold: 1 / n })
    expect(ids).toEqual([n - 1])
  }
})

describe('the roll', () => {
  const logits = Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log)
  const fires = (step: bigint, xtc_probability: number, draw = {}) => {
    const params = { xtc_probability, xtc_threshold: 0.15 }
    return run(logits, params, { seed: 7n, stream: 3n, step, ...draw }).ids.length === 2
  }

  it('comes from seed, stream and step, and is the same for any number of draws', () => {
    const steps = Array.from({ length: 64 }, (_, step) => BigInt(step))
    const fired = steps.map((step) => fires(step, 0.5))
    expect(steps.map((step) => fires(step, 0.5, { n: 5 }))).toEqual(fired)
    expect(new Set(fired).size).toBe(2)
  })

  it('removes tokens with the given probability', () => {
    const steps = Array.from({ length: 4000 }, (_, step) => BigInt(step))
    const fired = steps.filter((step) => fires(step, 0.3)).length
    expect(fired / 4000).toBeGreaterThan(0.27)
    expect(fired / 4000).toBeLessThan(0.33)
  })

  it('uses a random number other than the draw’s', () => {
    const answer = run(logits, { xtc_probability: 0.5, xtc_threshold: 0.15 }, { seed: 7n })
    expect(answer.address).toMatchObject({ seed: 7n })
    // Nothing is drawn, but the answer has the address of the roll.
    expect(run(logits, { xtc_probability: 0.5, xtc_threshold: 0.15 }).address).toBeDefined()
    expect(run(logits, { xtc_probability: 0.5, xtc_threshold: 0.5 }).address).toBeUndefined()
  })
})

it('has as expected mode the average of sample mode', () => {
  const given = fc.array(fc.double({ min: 0.05, max: 1, noNaN: true }), {
    minLength: 3,
    maxLength: 6,
  })
  const shares = fc.double({ min: 0.01, max: 0.99, noNaN: true })
  fc.assert(
    fc.property(given, shares, (masses, xtc_probability) => {
      const logits = Float32Array.from(masses, Math.log)
      const params = { xtc_threshold: 0.1, order: ['xtc' as const] }
      const as = (more: object) => dense(run(logits, { ...params, ...more }), logits.length)
      const [off, on] = [as({}), as(always)]
      as({ xtc_probability, xtc_mode: 'expected' }).forEach((p, id) => {
        expect(p).toBeCloseTo((1 - xtc_probability) * off[id]! + xtc_probability * on[id]!, 9)
      })
    }),
  )
})

it('does nothing if fewer than min_tokens_to_keep would be left', () => {
  const given = [0.1, 0.2, 0.3, 0.4]
  for (const row of [
    Float32Array.from(given, Math.log),
    padded(Float32Array.from(given, Math.log)),
  ]) {
    const params = { ...always, xtc_threshold: 0.15, order: ['xtc' as const] }
    expect(run(row, { ...params, min_tokens_to_keep: 2 }).ids).toEqual([0, 1])
    expect(run(row, { ...params, min_tokens_to_keep: 3 }).ids).toEqual([0, 1, 2, 3])
  }
  // llama.cpp counts masked tokens, too.
  const masked = Float32Array.of(Number.NEGATIVE_INFINITY, 0, 0)
  const params = { ...always, xtc_threshold: 0.1, min_tokens_to_keep: 2 }
  expect(run(masked, params).ids).toEqual([1, 2])
  expect(run(masked, { ...params, profile: 'llama.cpp' }).ids).toEqual([2])
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, ranking } = softmax(logits, temperature)
      for (const xtc_threshold of [1e-4, 0.01, 0.1]) {
        const likely = ranking.filter((id) => p[id]! >= xtc_threshold).length
        const kept = ranking.slice(Math.max(0, likely - 1))
        expect(run(logits, { temperature, ...always, xtc_threshold }).ids).toEqual(ascending(kept))
      }
    }
  })
})
