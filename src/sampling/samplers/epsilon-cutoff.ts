import * as z from 'zod'
import { keepLikely } from '../row/cuts.ts'
import { defineSampler } from '../sampler.ts'

export const epsilonCutoff = defineSampler({
  name: 'epsilon_cutoff',
  title: 'Epsilon cutoff',
  meaning: 'Keeps the tokens whose probability is at least the given one.',
  reference: {
    title: 'Hewitt, Manning, Liang: Truncation sampling as language model desmoothing (2022)',
    url: 'https://arxiv.org/abs/2210.15191',
  },
  stage: 'truncation',
  fields: {
    epsilon_cutoff: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Smallest probability of a token to keep, from 0 to 1. If too few tokens reach it, the `min_tokens_to_keep` most likely ones stay. 0 keeps all (off).',
        'x-typical': [0.0003, 0.0009],
      })
      .default(0),
  },
  /**
   * If too few tokens reach the threshold, `exact` keeps `min_tokens_to_keep` tokens, of tied ones the lower ids;
   * `all` also keeps every token tied with the last of them, as transformers does.
   */
  rules: { ties: 'exact' as 'exact' | 'all' },
  example: {
    params: { epsilon_cutoff: 0.25 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [0, 0, 3 / 7, 4 / 7],
  },

  active: ({ epsilon_cutoff }) => epsilon_cutoff > 0,
  apply: (row, { epsilon_cutoff }, { ties }) => keepLikely(row, epsilon_cutoff, ties === 'all'),
})
