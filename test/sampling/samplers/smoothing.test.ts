import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { smoothing } from '../../../src/sampling/samplers/smoothing.ts'
import { longRows, padded } from '../naive.ts'
import { dense, run } from '../run.ts'
import { describeSampler } from '../tester.ts'

/** In bits: a logit d bits below the largest moves to factor · d² bits below it. */
const inBits = (factor: number) => factor / Math.LN2

describeSampler(smoothing, {
  cases: [
    [{ smoothing_factor: inBits(2) }, [4 / 7, 2 / 7, 1 / 7], [256 / 321, 64 / 321, 1 / 321]],
    [{ smoothing_factor: inBits(0.5) }, [16 / 17, 1 / 17], [256 / 257, 1 / 257]],
    // curve 3: only the cube, factor · d³. In bits it is divided by ln² 2.
    [
      { smoothing_factor: 1 / Math.LN2 ** 2, smoothing_curve: 3 },
      [4 / 7, 2 / 7, 1 / 7],
      [256 / 385, 128 / 385, 1 / 385],
    ],
    [{ smoothing_factor: 0, smoothing_curve: 3 }, [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]],
    [{ smoothing_factor: 50 }, [0.5, 0.5, 0], [0.5, 0.5, 0]],
  ],
  rejects: [
    { smoothing_factor: -0.1 },
    { smoothing_factor: 101 },
    { smoothing_curve: 0.9 },
    { smoothing_curve: 11 },
    { smoothing_curve: '1' },
  ],
  strengths: fc.record({
    smoothing_factor: fc.double({ min: 0, max: 100, noNaN: true }),
    smoothing_curve: fc.double({ min: 1, max: 10, noNaN: true }),
  }),
})

it('bends the tempered logits', () => {
  // At temperature 2 the logits are 0, −1 and −2; smoothing makes them 0, −1 and −4.
  const { probabilities } = run(Float32Array.of(3, 1, -1), { temperature: 2, smoothing_factor: 1 })
  const total = 1 + Math.exp(-1) + Math.exp(-4)
  expect(probabilities[1]! * total).toBeCloseTo(Math.exp(-1), 9)
  expect(probabilities[2]! * total).toBeCloseTo(Math.exp(-4), 9)
})

it('leaves every token in play with a finite logit, at any temperature', () => {
  const logits = Float32Array.of(3e38, -3e38, 0, 1e-30, Number.NEGATIVE_INFINITY)
  for (const temperature of [5e-324, 1e-300, 1, 1e300]) {
    for (const smoothing_curve of [1, 2, 3, 10]) {
      const params = { temperature, smoothing_factor: 100, smoothing_curve }
      for (const row of [logits, padded(logits)]) {
        const { ids, probabilities } = run(row, params)
        expect(ids).toEqual([0, 1, 2, 3])
        expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
      }
    }
  }
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows))('%s', (_, logits) => {
    const temperature = 1.3
    const max = logits.reduce((a, b) => Math.max(a, b))
    for (const [factor, curve] of [
      [0.2, 1],
      [1.5, 2.5],
    ] as const) {
      const weights = Array.from(logits, (logit) => {
        const d = (logit - max) / temperature
        if (d === Number.NEGATIVE_INFINITY) return 0
        const [k, s] = [(3 - curve) / 2, (curve - 1) / 2]
        return Math.exp(-k * factor * d ** 2 + s * factor * d ** 3)
      })
      const total = weights.reduce((a, b) => a + b)
      const answer = run(logits, { temperature, smoothing_factor: factor, smoothing_curve: curve })
      dense(answer, logits.length).forEach((p, id) => {
        const expected = weights[id]! / total
        if (Math.abs(p - expected) > 1e-12 * expected + 1e-300) expect(p).toBe(expected)
      })
    }
  })
})
