import * as z from 'zod'
import { finish } from '../../algorithms/pausing.ts'
import { countTokens, followed, forEach, joined, known } from '../history/history.ts'
import { remove } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

export const noRepeatNgram = defineSampler({
  name: 'no_repeat_ngram',
  title: 'No repeated n-grams',
  meaning:
    'Bans a token that would complete a sequence of n tokens that prompt or output already has.',
  reference: {
    title: 'Paulus, Xiong, Socher: A deep reinforced model for abstractive summarization (2017)',
    url: 'https://arxiv.org/abs/1705.04304',
  },
  stage: 'penalty',
  fields: {
    no_repeat_ngram_size: z
      .int()
      .min(0)
      .meta({
        description:
          'Length n, in tokens, of sequences that must not occur twice in prompt and output together. 1 bans every token that occurred; 0 bans none (off). If no token is left, the answer is a 422.',
        'x-typical': [2, 6],
      })
      .default(0),
  },
  example: {
    params: { no_repeat_ngram_size: 2 },
    history: { output: [0, 1, 0] },
    given: [0.25, 0.25, 0.5],
    gives: [1 / 3, 0, 2 / 3],
  },

  active: ({ no_repeat_ngram_size }) => no_repeat_ngram_size > 0,
  cost: (_params, { prompt, output }) => TOKEN * (prompt.length + output.length),
  *apply(row, { no_repeat_ngram_size: n }, _rules, history) {
    const tokens = joined(history)
    const repeated = yield* n === 1 ? countTokens(tokens) : followed(tokens, n - 1)
    yield* forEach(repeated, (id) => void known(row, id))
    yield* finish(remove(row, repeated.ids.subarray(0, repeated.size)))
  },
})

/** Steps for a token of the history. */
const TOKEN = 60
