import fc from 'fast-check'
import { expect, it } from 'vitest'
import { temperature } from '../../../src/sampling/samplers/temperature.ts'
import { run } from '../run.ts'
import { anyLogits, describeSampler } from '../tester.ts'

describeSampler(temperature, {
  cases: [
    [{ temperature: 2 }, [0.64, 0.36], [4 / 7, 3 / 7]], // square roots, renormalised
    [{ temperature: 0 }, [0.2, 0.5, 0.3], [0, 1, 0]],
    [{ temperature: 0 }, [0.4, 0.2, 0.4], [1, 0, 0]], // the lower id among equals
    [{ temperature: 1e300 }, [0.2, 0.5, 0.3], [1 / 3, 1 / 3, 1 / 3]],
    [{ temperature: 1e-300 }, [0.2, 0.4, 0.4], [0, 0.5, 0.5]],
  ],
  rejects: [{ temperature: -0.1 }, { temperature: Number.POSITIVE_INFINITY }, { temperature: '1' }],
  strengths: fc.record({ temperature: fc.double({ min: 0, max: 1e3, noNaN: true }) }),
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

it('never changes which tokens are in play, but for 0', () => {
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

it('warns above 2, and where a profile raises it', () => {
  const codes = (params: object) =>
    run(Float32Array.of(1, 2), params).warnings.map(({ code }) => code)
  expect(codes({ temperature: 2 })).toEqual([])
  expect(codes({ temperature: 2.01 })).toEqual(['HIGH_TEMPERATURE'])
  expect(codes({ temperature: 0.001 })).toEqual([])
  expect(codes({ temperature: 0.001, profile: 'vllm' })).toEqual(['TEMPERATURE_RAISED'])
  expect(codes({ temperature: 0, profile: 'vllm' })).toEqual([])
})

it('is raised to 0.01 under vLLM', () => {
  const logits = Float32Array.of(0, 0.01)
  const raised = run(logits, { temperature: 0.001, profile: 'vllm' })
  expect(raised.probabilities).toEqual(run(logits, { temperature: 0.01 }).probabilities)
})
