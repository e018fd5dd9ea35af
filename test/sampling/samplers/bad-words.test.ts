import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { badWords } from '../../../src/sampling/samplers/bad-words.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const even = [0.25, 0.25, 0.25, 0.25]
const without2 = [1 / 3, 1 / 3, 0, 1 / 3]

describeSampler(badWords, {
  cases: [
    [{ bad_words_ids: [[2]] }, even, without2, { output: [2] }],
    [{ bad_words_ids: [[0, 1, 2]] }, even, without2, { prompt: [0], output: [1] }],
    [{ bad_words_ids: [[0, 1, 2]] }, even, even, { prompt: [0], output: [1, 1] }],
    [{ bad_words_ids: [[0, 1, 2]] }, even, even, { output: [1] }],
    [{ bad_words_ids: [[1, 2], [0], [1, 0]] }, even, [0, 0.5, 0, 0.5], { output: [1] }],
  ],
  rejects: [
    { bad_words_ids: [1] },
    { bad_words_ids: [[]] },
    { bad_words_ids: [[1.5]] },
    { bad_words_ids: { 1: [2] } },
  ],
  // Sequences of two tokens whose first token is in no history.
  strengths: fc.record({
    bad_words_ids: fc.array(fc.tuple(fc.nat(60), fc.nat(60)).map((ids) => [...ids])),
  }),
})

describe('bad_words', () => {
  const logits = new Float32Array(4)
  const params = { bad_words_ids: [[0, 1, 2]] }

  it('under vLLM’s profile matches only the output', () => {
    const across = { prompt: [0], output: [1] }
    expect(run(logits, params, undefined, across).ids).toEqual([0, 1, 3])
    expect(run(logits, { ...params, profile: 'vllm' }, undefined, across).ids).toHaveLength(4)
    const inOutput = { output: [0, 1] }
    expect(run(logits, { ...params, profile: 'vllm' }, undefined, inOutput).ids).toEqual([0, 1, 3])
  })

  it('reports that no token is left', () => {
    expect(() => run(logits, { bad_words_ids: [[0], [1], [2], [3]] })).toThrow(
      'bad_words leaves no token',
    )
  })
})
