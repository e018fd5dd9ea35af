import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findMisfit } from '../../../src/sampling/params.ts'
import { sequenceBias } from '../../../src/sampling/samplers/sequence-bias.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const even = [0.25, 0.25, 0.25, 0.25]
const biased = (token_ids: number[], bias: number | '-Infinity' = '-Infinity') => ({
  sequence_bias: [{ token_ids, bias }],
})
const without2 = [1 / 3, 1 / 3, 0, 1 / 3]

describeSampler(sequenceBias, {
  cases: [
    [biased([2]), even, without2],
    [biased([0, 1, 2]), even, without2, { output: [3, 0, 1] }],
    [biased([0, 1, 2]), even, without2, { prompt: [3, 0], output: [1] }],
    [biased([0, 1, 2]), even, without2, { prompt: [0, 1] }],
    [biased([0, 1, 2]), even, even, { output: [0, 1, 3] }],
    [biased([0, 1, 2]), even, even, { output: [1] }],
    [biased([0, 1, 2]), even, even],
    [biased([2, 0], Math.log(3)), even, [1 / 2, 1 / 6, 1 / 6, 1 / 6], { output: [2] }],
    [
      // 3 · 3 / 3 = 3: the last of these four does not match.
      {
        sequence_bias: [
          { token_ids: [0], bias: Math.log(3) },
          { token_ids: [1, 0], bias: Math.log(3) },
          { token_ids: [3, 1, 0], bias: -Math.log(3) },
          { token_ids: [2, 0], bias: 100 },
        ],
      },
      even,
      [1 / 2, 1 / 6, 1 / 6, 1 / 6],
      { prompt: [3], output: [1] },
    ],
  ],
  rejects: [
    { sequence_bias: {} },
    { sequence_bias: [[[1], 2]] },
    { sequence_bias: [null] },
    { sequence_bias: [{ token_ids: [1] }] },
    { sequence_bias: [{ bias: 1 }] },
    { sequence_bias: [{ token_ids: [], bias: 1 }] },
    { sequence_bias: [{ token_ids: [-1], bias: 1 }] },
    { sequence_bias: [{ token_ids: [1], bias: 'Infinity' }] },
    { sequence_bias: [{ token_ids: [1], bias: null }] },
    { sequence_bias: [{ token_ids: [1], bias: 1, weight: 2 }] },
  ],
  strengths: fc.record({
    sequence_bias: fc.array(
      fc.record({
        token_ids: fc.array(fc.nat(60), { minLength: 1, maxLength: 2 }),
        bias: fc.double({ min: -50, max: 50, noNaN: true }),
      }),
    ),
  }),
})

describe('sequence_bias', () => {
  it('names the first fault, and stops there', () => {
    const sequences = [{ token_ids: [1], bias: 1 }, ...Array(1000).fill({ token_ids: [1, 'a'] })]
    const { error } = sequenceBias.fields.sequence_bias.safeParse(sequences)
    expect(error!.issues).toHaveLength(1)
    expect(error!.issues[0]).toMatchObject({
      path: [1, 'token_ids', 1],
      message: 'Expected a token id, got "a"',
    })
  })

  it('checks ids against the vocabulary', () => {
    const sequence_bias = sequenceBias.fields.sequence_bias.parse([
      { token_ids: [3], bias: 1 },
      { token_ids: [3, 4], bias: 1 },
    ])
    expect(findMisfit({ sequence_bias }, 5)).toBeUndefined()
    expect(findMisfit({ sequence_bias }, 4)).toMatchObject({
      path: ['sequence_bias', 1, 'token_ids', 1],
    })
  })

  it('sums biases beyond float64', () => {
    const largest = { token_ids: [1], bias: Number.MAX_VALUE }
    const logits = Float32Array.of(3.4e38, -3.4e38)
    const answer = run(logits, { sequence_bias: [largest, largest] })
    expect(answer.probabilities).toEqual(Float64Array.of(0, 1))
  })

  it('cannot bring back a token at −∞', () => {
    const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 1, 2)
    expect(run(logits, biased([0], 1e6)).ids).toEqual([1, 2])
  })
})
