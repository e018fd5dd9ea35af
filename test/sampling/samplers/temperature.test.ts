import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { temperature } from '../../../src/sampling/samplers/temperature.ts'
import { longRows, padded, softmax } from '../naive.ts'
import { dense, run } from '../run.ts'
import { anyLogits, describeSampler } from '../tester.ts'

describeSampler(temperature, {
  cases: [
    [{ temperature: 2 }, [0.64, 0.36], [4 / 7, 3 / 7]], // square roots, renormalised
    [{ temperature: 0 }, [0.2, 0.5, 0.3], [0, 1, 0]],
    [{ temperature: 0 }, [0.4, 0.2, 0.4], [1, 0, 0]], // of tied tokens the lower id
    [{ temperature: 1e300 }, [0.2, 0.5, 0.3], [1 / 3, 1 / 3, 1 / 3]],
    [{ temperature: 1e-300 }, [0.2, 0.4, 0.4], [0, 0.5, 0.5]],
    // The entropy is the largest possible, so the temperature is 0.5 + 1.5, which does not change equal tokens.
    [{ temperature: 0.5, dynatemp_range: 1.5 }, [0.25, 0.25, 0.25, 0.25], [0.25, 0.25, 0.25, 0.25]],
    // The entropy is ln 2, half of the largest possible, so the temperature is half way from 0 to 2.
    [{ temperature: 1, dynatemp_range: 1 }, [0.5, 0.5, 1e-30, 1e-30], [0.5, 0.5, 0, 0]],
    // The entropy is 1.75 of 2 bits; the exponent is 2. The temperature is 0.25 + (1.75 / 2)² · 1.5 = 1.3984.
    [
      { temperature: 1, dynatemp_range: 0.75, dynatemp_exponent: 2 },
      [0.5, 0.25, 0.125, 0.125],
      [0.4252884, 0.2590729, 0.1578193, 0.1578193],
    ],
    [{ temperature: 1, dynatemp_range: 0, dynatemp_exponent: 7 }, [0.2, 0.8], [0.2, 0.8]],
    [{ temperature: 1, dynatemp_range: 5 }, [0, 1, 0], [0, 1, 0]],
  ],
  rejects: [
    { temperature: -0.1 },
    { temperature: Number.POSITIVE_INFINITY },
    { temperature: '1' },
    { dynatemp_range: -1 },
    { dynatemp_exponent: -1 },
  ],
  strengths: fc.record({
    temperature: fc.double({ min: 0, max: 1e3, noNaN: true }),
    dynatemp_range: fc.double({ min: 0, max: 10, noNaN: true }),
    dynatemp_exponent: fc.double({ min: 0, max: 10, noNaN: true }),
  }),
})

it('approaches greedy as it falls and uniform as it grows', () => {
  const logits = Float32Array.of(2, 1, 0.5, -1, -3)
  const entropies = [0, 0.01, 0.1, 0.5, 1, 2, 10, 1e3, 1e6].map(
    (temperature) => run(logits, { temperature }).entropy,
  )
  expect(entropies).toEqual(entropies.toSorted((a, b) => a - b))
  expect(entropies[0]).toBe(0)
  expect(entropies.at(-1)).toBeCloseTo(Math.log(5), 9)
})

it('never changes which tokens are in play, except at 0', () => {
  fc.assert(
    fc.property(
      anyLogits,
      fc.double({ min: 1e-3, max: 100, noNaN: true }),
      (logits, temperature) => {
        expect(run(logits, { temperature }).ids).toEqual(run(logits, {}).ids)
      },
    ),
  )
})

it('warns above 2, and if a profile raises it', () => {
  const codes = (params: object) =>
    run(Float32Array.of(1, 2), params).warnings.map(({ code }) => code)
  expect(codes({ temperature: 2 })).toEqual([])
  expect(codes({ temperature: 2.01 })).toEqual(['HIGH_TEMPERATURE'])
  expect(codes({ temperature: 1, dynatemp_range: 1 })).toEqual([])
  expect(codes({ temperature: 1, dynatemp_range: 1.01 })).toEqual(['HIGH_TEMPERATURE'])
  expect(codes({ temperature: 0.001 })).toEqual([])
  expect(codes({ temperature: 0.001, profile: 'vllm' })).toEqual(['TEMPERATURE_RAISED'])
  expect(codes({ temperature: 0, profile: 'vllm' })).toEqual([])
})

it('is raised to 0.01 under vLLM', () => {
  const logits = Float32Array.of(0, 0.01)
  const raised = run(logits, { temperature: 0.001, profile: 'vllm' })
  expect(raised.probabilities).toEqual(run(logits, { temperature: 0.01 }).probabilities)
})

describe('dynamic', () => {
  it('is greedy if the temperature becomes 0', () => {
    const params = { temperature: 0.5, dynatemp_range: 0.5 }
    // A certain token has no entropy.
    expect(run(Float32Array.of(0, 1e4, 0), params).ids).toEqual([1])
    expect(run(padded(Float32Array.of(0, 1e4, 0)), params).ids).toEqual([1])
  })

  it('rises from 0 if temperature is 0', () => {
    const { probabilities } = run(Float32Array.of(0, 0, -1), { temperature: 0, dynatemp_range: 1 })
    expect(probabilities[2]).toBeGreaterThan(0)
  })

  it('takes the largest entropy of the tokens in play, and under llama.cpp also of masked tokens', () => {
    const logits = Float32Array.of(0, 1, 2, Number.NEGATIVE_INFINITY)
    const { entropy } = softmax(logits)
    const params = { temperature: 1, dynatemp_range: 0.5 }
    const at = (count: number) => run(logits, { temperature: 0.5 + entropy / Math.log(count) })
    const close = (actual: Float64Array, expected: Float64Array) => {
      for (const [i, p] of expected.entries()) expect(actual[i]).toBeCloseTo(p, 12)
    }
    close(run(logits, params).probabilities, at(3).probabilities)
    close(run(logits, { ...params, profile: 'llama.cpp' }).probabilities, at(4).probabilities)
    // A filter removes all masked tokens from the list.
    const cut = run(logits, { ...params, top_k: 2, profile: 'llama.cpp' })
    close(cut.probabilities, run(logits.subarray(1, 3), params).probabilities)
  })

  it.each(Object.entries(longRows))('agrees with the definition: %s', (_, logits) => {
    const { entropy, ranking } = softmax(logits)
    for (const [temperature, dynatemp_range, dynatemp_exponent] of [
      [1, 0.9, 1],
      [1.5, 0.4, 2],
      [0.3, 1, 0.5],
    ] as const) {
      const low = Math.max(0, temperature - dynatemp_range)
      const share = entropy / Math.log(ranking.length)
      const high = temperature + dynatemp_range
      const { p } = softmax(logits, low + (high - low) * share ** dynatemp_exponent)
      const answer = run(logits, { temperature, dynatemp_range, dynatemp_exponent })
      dense(answer, logits.length).forEach((own, id) => {
        if (Math.abs(own - p[id]!) > 2e-6 * p[id]!) expect(own).toBe(p[id])
      })
    }
  })
})
