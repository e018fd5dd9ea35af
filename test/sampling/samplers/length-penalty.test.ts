import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lengthPenalty } from '../../../src/sampling/samplers/length-penalty.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const decay = (start: number, factor: number) => ({
  exponential_decay_length_penalty: { start, factor },
})
const given = [0.25, 0.25, 0.5]
const stop = [1]

describeSampler(lengthPenalty, {
  cases: [
    // ln ¼ + |ln ¼| · (1.5 − 1) = ½ ln ¼, so ¼ becomes ½.
    [decay(2, 1.5), given, [0.2, 0.4, 0.4], { output: [0, 0, 0], stop }],
    [decay(2, 1.5), given, given, { output: [0, 0], stop }],
    // The prompt does not count. A repeated stop token counts once.
    [decay(0, 1.5), given, [0.2, 0.4, 0.4], { prompt: [0, 0], output: [0], stop: [1, 1] }],
    [decay(0, 1), given, given, { output: [0], stop }],
    [decay(0, 1.5), given, given, { output: [0] }],
    // ¼ becomes ¼^(3/2) = ⅛.
    [decay(0, 0.5), given, [2 / 7, 1 / 7, 4 / 7], { output: [0], stop }],
  ],
  rejects: [
    { exponential_decay_length_penalty: [1, 2] },
    { exponential_decay_length_penalty: { start: 1 } },
    decay(0.5, 1),
    decay(1, -1),
    decay(1, Number.POSITIVE_INFINITY),
  ],
  strengths: fc.record({
    exponential_decay_length_penalty: fc.record({
      start: fc.integer({ min: -5, max: 5 }),
      factor: fc.double({ min: 0, max: 1000, noNaN: true }),
    }),
  }),
})

describe('length_penalty', () => {
  const text = (length: number) => ({ output: Array<number>(length).fill(0), stop })

  it('grows beyond float64 without becoming NaN', () => {
    for (const logit of [5, -5, 3.4e38, -3.4e38]) {
      const answer = run(Float32Array.of(1, logit), decay(0, 1000), undefined, text(5000))
      expect(answer.probabilities).toEqual(Float64Array.of(0, 1))
    }
    expect(run(Float32Array.of(0, 0), decay(0, 2), undefined, text(5000)).entropy).toBeCloseTo(
      Math.LN2,
      9,
    )
  })

  it('leaves a banned stop token out of play', () => {
    const params = { ...decay(0, 2), banned_token_ids: [1] }
    expect(run(Float32Array.of(1, 2, 3), params, undefined, text(9)).ids).toEqual([0, 2])
  })

  it('has the same result before and after temperature', () => {
    const logits = Float32Array.of(1, -2, 3)
    const params = { ...decay(1, 1.2), temperature: 0.5 }
    const before = run(logits, params, undefined, text(4))
    const order = ['temperature', 'length_penalty'] as const
    const after = run(logits, { ...params, order: [...order] }, undefined, text(4))
    expect(after.probabilities).toEqual(before.probabilities)
  })
})
