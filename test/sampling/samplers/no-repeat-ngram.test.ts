import fc from 'fast-check'
import { expect, it } from 'vitest'
import { noRepeatNgram } from '../../../src/sampling/samplers/no-repeat-ngram.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const even = [0.25, 0.25, 0.25, 0.25]
const size = (no_repeat_ngram_size: number) => ({ no_repeat_ngram_size })

describeSampler(noRepeatNgram, {
  cases: [
    // 0 1 occurred, and 0 is the last token.
    [size(2), even, [1 / 3, 0, 1 / 3, 1 / 3], { output: [0, 1, 0] }],
    [size(2), even, [1 / 3, 0, 1 / 3, 1 / 3], { prompt: [0, 1], output: [0] }],
    [size(2), even, [1 / 2, 0, 1 / 2, 0], { prompt: [0, 1, 0, 3], output: [2, 0] }],
    [size(3), even, even, { output: [0, 1, 0] }],
    [size(3), even, [1 / 3, 1 / 3, 0, 1 / 3], { output: [0, 1, 2, 0, 1] }],
    // A repetition may overlap itself.
    [size(3), even, [0, 1 / 3, 1 / 3, 1 / 3], { output: [0, 0, 0] }],
    [size(1), even, [0, 1 / 2, 1 / 2, 0], { prompt: [0], output: [3, 3] }],
    [size(4), even, even, { output: [0, 1] }],
    [size(9), even, even],
  ],
  rejects: [size(-1), size(1.5)],
  strengths: fc.record({ no_repeat_ngram_size: fc.nat() }),
})

it('bans the tokens that would complete a repeated n-gram, and no others', () => {
  const history = fc.array(fc.nat(2), { maxLength: 12 })
  fc.assert(
    fc.property(history, history, fc.integer({ min: 1, max: 5 }), (prompt, output, n) => {
      const tokens = [...prompt, ...output]
      const ngrams = new Set(
        tokens
          .map((_, i) => tokens.slice(i, i + n))
          .filter((ngram) => ngram.length === n)
          .map(String),
      )
      const tail = n === 1 ? [] : tokens.slice(1 - n)
      const allowed = [0, 1, 2, 3].filter((id) => !ngrams.has(String([...tail, id])))
      expect(run(new Float32Array(4), size(n), undefined, { prompt, output }).ids).toEqual(allowed)
    }),
  )
})

it('takes time linear in the history', () => {
  const output = Array<number>(200_000).fill(1)
  expect(run(new Float32Array(4), size(100_000), undefined, { output }).ids).toEqual([0, 2, 3])
})

it('reports that no token is left', () => {
  expect(() => run(Float32Array.of(1, 2), size(1), undefined, { output: [0, 1] })).toThrow(
    'no_repeat_ngram leaves no token',
  )
})
