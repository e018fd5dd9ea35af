import fc from 'fast-check'
import { expect, it } from 'vitest'
import { logitBias } from '../../../src/sampling/samplers/logit-bias.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(logitBias, {
  cases: [
    [{ logit_bias: { 2: '-Infinity' } }, [0.25, 0.25, 0.5], [0.5, 0.5, 0]],
    [{ logit_bias: { 0: 1000 } }, [0.25, 0.25, 0.5], [1, 0, 0]],
    [
      { logit_bias: { 0: Math.log(3), 1: -Math.log(3) } },
      [0.25, 0.25, 0.5],
      [9 / 16, 1 / 16, 6 / 16],
    ],
  ],
  rejects: [
    { logit_bias: { a: 1 } },
    { logit_bias: { '-1': 1 } },
    { logit_bias: { '01': 1 } },
    { logit_bias: { 1: null } },
    { logit_bias: { 1: 'Infinity' } },
    { logit_bias: { 1: Number.POSITIVE_INFINITY } },
    { logit_bias: [[1, 2]] },
  ],
  strengths: fc.record({
    logit_bias: fc.dictionary(
      fc.nat(60).map(String),
      fc.double({ min: -50, max: 50, noNaN: true }),
    ),
  }),
})

it('cannot bring back a token at −∞', () => {
  const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 1, 2)
  expect(run(logits, { logit_bias: { 0: 1e6 } }).ids).toEqual([1, 2])
})

it('adds to the tempered logit when it runs after temperature', () => {
  const logits = Float32Array.of(1, 1)
  const { probabilities } = run(logits, {
    temperature: 5,
    logit_bias: { 0: Math.LN2 },
    order: ['temperature', 'logit_bias'],
  })
  expect(probabilities[0]).toBeCloseTo(2 / 3, 12)
})
