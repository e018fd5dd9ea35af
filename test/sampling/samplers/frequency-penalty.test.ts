import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { frequencyPenalty } from '../../../src/sampling/samplers/frequency-penalty.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const given = [0.25, 0.25, 0.5]
const halving = { frequency_penalty: Math.LN2 }

describeSampler(frequencyPenalty, {
  cases: [
    [halving, given, [1 / 7, 2 / 7, 4 / 7], { output: [0] }],
    [halving, given, [2 / 8, 2 / 8, 4 / 8], { output: [0, 1, 2] }],
    [halving, given, [1 / 9, 4 / 9, 4 / 9], { output: [2, 0, 0, 0, 2, 1] }],
    [{ frequency_penalty: -Math.LN2 }, given, [4 / 7, 1 / 7, 2 / 7], { output: [0, 0] }],
    [halving, given, given, { prompt: [0, 0] }],
  ],
  rejects: [
    { frequency_penalty: null },
    { frequency_penalty: 1e6 },
    { frequency_penalty: Number.NaN },
  ],
  strengths: fc.record({ frequency_penalty: fc.double({ min: -1000, max: 1000, noNaN: true }) }),
})

describe('frequency_penalty', () => {
  const logits = Float32Array.of(0, 0)
  const odds = (params: object, history: object) => {
    const { probabilities } = run(logits, { ...halving, ...params }, undefined, history)
    return probabilities[1]! / probabilities[0]!
  }

  it('under llama.cpp’s profile also counts the prompt', () => {
    const history = { prompt: [0, 0], output: [0] }
    expect(odds({}, history)).toBeCloseTo(2, 9)
    expect(odds({ profile: 'vllm' }, history)).toBeCloseTo(2, 9)
    expect(odds({ profile: 'llama.cpp' }, history)).toBeCloseTo(8, 9)
  })

  it('counts in the last penalty_last_n tokens', () => {
    const history = { prompt: [0, 0], output: [0, 1, 0] }
    expect(odds({ penalty_last_n: 1 }, history)).toBeCloseTo(2, 9)
    expect(odds({ penalty_last_n: 2 }, history)).toBeCloseTo(1, 9)
    expect(odds({ penalty_last_n: 4, profile: 'llama.cpp' }, history)).toBeCloseTo(4, 9)
    expect(odds({ penalty_last_n: 0 }, history)).toBe(1)
  })

  it('subtracts from the tempered logit when it runs after temperature', () => {
    const params = { temperature: 5, order: ['temperature', 'frequency_penalty'] }
    expect(odds(params, { output: [0] })).toBeCloseTo(2, 9)
  })
})
