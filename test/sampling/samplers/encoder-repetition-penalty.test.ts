import fc from 'fast-check'
import { expect, it } from 'vitest'
import { encoderRepetitionPenalty } from '../../../src/sampling/samplers/encoder-repetition-penalty.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const given = [0.25, 0.25, 0.5]

describeSampler(encoderRepetitionPenalty, {
  cases: [
    // ¼ to the power of ½ is ½.
    [{ encoder_repetition_penalty: 2 }, given, [0.4, 0.2, 0.4], { prompt: [0, 0] }],
    [{ encoder_repetition_penalty: 2 }, given, given, { output: [0] }],
    [{ encoder_repetition_penalty: 1 / 1.5 }, given, [1 / 7, 2 / 7, 4 / 7], { prompt: [0] }],
  ],
  rejects: [
    { encoder_repetition_penalty: 0 },
    { encoder_repetition_penalty: -1 },
    { encoder_repetition_penalty: null },
  ],
  strengths: fc.record({
    encoder_repetition_penalty: fc.double({ min: 0.001, max: 1000, noNaN: true }),
  }),
})

it('looks at the whole prompt, whatever penalty_last_n is', () => {
  const params = { encoder_repetition_penalty: 2, penalty_last_n: 1 }
  const { probabilities } = run(Float32Array.of(1, 1, 1), params, undefined, {
    prompt: [0, 1],
    output: [2],
  })
  expect(probabilities[0]).toBe(probabilities[1])
  expect(probabilities[0]).toBeGreaterThan(probabilities[2]!)
})
