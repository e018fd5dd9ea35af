import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { repetitionPenalty } from '../../../src/sampling/samplers/repetition-penalty.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

// The logarithms of these are negative, so they are multiplied: ¼ to the power of 1.5 is ⅛.
const given = [0.25, 0.25, 0.5]
const strength = { repetition_penalty: 1.5 }

describeSampler(repetitionPenalty, {
  cases: [
    [strength, given, [1 / 7, 2 / 7, 4 / 7], { output: [0] }],
    [strength, given, [1 / 7, 2 / 7, 4 / 7], { prompt: [0] }],
    // A token is penalised once, wherever and however often it occurs.
    [strength, given, [1 / 7, 2 / 7, 4 / 7], { prompt: [0, 0], output: [0] }],
    [{ repetition_penalty: 0.5 }, given, [0.4, 0.2, 0.4], { output: [0] }],
    [strength, given, given],
  ],
  rejects: [
    { repetition_penalty: 0 },
    { repetition_penalty: -1 },
    { repetition_penalty: '1.1' },
    { repetition_penalty: Number.POSITIVE_INFINITY },
  ],
  strengths: fc.record({ repetition_penalty: fc.double({ min: 0.001, max: 1000, noNaN: true }) }),
})

/** Logits from the probabilities of a row, shifted so that the largest is 0. */
function logitsOf({ probabilities }: { probabilities: Float64Array }) {
  const max = Math.max(...probabilities)
  return Array.from(probabilities, (p) => Math.log(p / max))
}

describe('repetition_penalty', () => {
  it('divides positive logits, multiplies negative ones, keeps 0', () => {
    const logits = Float32Array.of(6, -6, 0, 6)
    const history = { output: [0, 1, 2] }
    const after = logitsOf(run(logits, { repetition_penalty: 2 }, undefined, history))
    expect(after[0]).toBeCloseTo(3 - 6, 9)
    expect(after[1]).toBeCloseTo(-12 - 6, 9)
    expect(after[2]).toBeCloseTo(0 - 6, 9)
  })

  it('looks at the last penalty_last_n tokens of prompt and output', () => {
    const logits = Float32Array.of(1, 1, 1, 1)
    const history = { prompt: [0, 1], output: [2] }
    const penalised = (penalty_last_n: number) => {
      const params = { ...strength, penalty_last_n }
      const { probabilities } = run(logits, params, undefined, history)
      return [0, 1, 2, 3].filter((id) => probabilities[id]! < probabilities[3]!)
    }
    expect([-1, 3, 9].map(penalised)).toEqual([
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ])
    expect([2, 1, 0].map(penalised)).toEqual([[1, 2], [2], []])
  })

  it('has the same result before and after temperature', () => {
    const logits = Float32Array.of(1, -2, 3)
    const params = { ...strength, temperature: 0.5 }
    const history = { output: [1, 2] }
    const before = run(logits, params, undefined, history)
    const order = ['temperature' as const, 'repetition_penalty' as const]
    const after = run(logits, { ...params, order }, undefined, history)
    expect(after.probabilities).toEqual(before.probabilities)
  })

  it('comes before the other penalties', () => {
    const logits = Float32Array.of(3, 0)
    const params = { repetition_penalty: 2, frequency_penalty: 0.5, presence_penalty: 0.25 }
    const after = logitsOf(run(logits, params, undefined, { output: [0, 0] }))
    expect(after[1]).toBeCloseTo(-(3 / 2 - 2 * 0.5 - 0.25), 9)
  })

  it('leaves tokens out of play at −∞', () => {
    const logits = Float32Array.of(Number.NEGATIVE_INFINITY, 1, 2)
    expect(run(logits, strength, undefined, { output: [0] }).ids).toEqual([1, 2])
  })

  it('works on a large vocabulary too', () => {
    const logits = Float32Array.from({ length: 5000 }, (_, id) => (id % 7) - 3)
    const history = { prompt: [6, 4999], output: [6] }
    const { probabilities } = run(logits, strength, undefined, history)
    expect(Math.log(probabilities[13]! / probabilities[6]!)).toBeCloseTo(3 - 3 / 1.5, 9)
    const rare = logits[4999]!
    const alike = logits.indexOf(rare)
    const factor = rare < 0 ? 1.5 : 1 / 1.5
    expect(Math.log(probabilities[alike]! / probabilities[4999]!)).toBeCloseTo(
      rare - rare * factor,
      9,
    )
  })
})
