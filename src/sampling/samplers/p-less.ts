import * as z from 'zod'
import { keepLikely } from '../row/cuts.ts'
import { collision } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

export const pLess = defineSampler({
  name: 'p_less',
  title: 'P-less',
  meaning:
    'Keeps the tokens whose probability is at least Σ p², the probability that two draws agree.',
  reference: {
    title: 'Tan et al.: p-less sampling, a robust hyperparameter-free approach (2025)',
    url: 'https://arxiv.org/abs/2509.23234',
  },
  stage: 'truncation',
  fields: {
    p_less: z
      .boolean()
      .meta({
        description:
          'Whether to keep only tokens with p ≥ Σ p². The sum is 1 if one token is certain, and 1 / n if n tokens are equally likely. false keeps all (off).',
      })
      .default(false),
  },
  example: {
    // Σ p² = 11/32
    params: { p_less: true },
    given: [0.125, 0.125, 0.25, 0.5],
    gives: [0, 0, 0, 1],
  },

  active: ({ p_less }) => p_less,
  apply: (row) => keepLikely(row, collision(row)),
})
