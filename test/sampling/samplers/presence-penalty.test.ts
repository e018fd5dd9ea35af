import fc from 'fast-check'
import { expect, it } from 'vitest'
import { presencePenalty } from '../../../src/sampling/samplers/presence-penalty.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const given = [0.25, 0.25, 0.5]
const halving = { presence_penalty: Math.LN2 }

describeSampler(presencePenalty, {
  cases: [
    [halving, given, [1 / 7, 2 / 7, 4 / 7], { output: [0] }],
    [halving, given, [1 / 7, 2 / 7, 4 / 7], { output: [0, 0, 0] }],
    [{ presence_penalty: -Math.LN2 }, given, [0.4, 0.2, 0.4], { output: [0, 0] }],
    [halving, given, given, { prompt: [0] }],
  ],
  rejects: [{ presence_penalty: '1' }, { presence_penalty: -1e6 }],
  strengths: fc.record({ presence_penalty: fc.double({ min: -1000, max: 1000, noNaN: true }) }),
})

it('under llama.cpp’s profile also counts the prompt, within the window', () => {
  const history = { prompt: [0, 1], output: [2] }
  const penalised = (params: object) => {
    const logits = new Float32Array(4)
    const { probabilities } = run(logits, { ...halving, ...params }, undefined, history)
    return [0, 1, 2].filter((id) => probabilities[id]! < probabilities[3]!)
  }
  expect(penalised({})).toEqual([2])
  expect(penalised({ profile: 'vllm' })).toEqual([2])
  expect(penalised({ profile: 'llama.cpp' })).toEqual([0, 1, 2])
  expect(penalised({ profile: 'llama.cpp', penalty_last_n: 2 })).toEqual([1, 2])
  expect(penalised({ penalty_last_n: 0 })).toEqual([])
})
