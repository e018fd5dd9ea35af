import * as z from 'zod'
import { log } from '../../kernel/index.ts'
import { keepWithin } from '../row/cuts.ts'
import { defineSampler } from '../sampler.ts'

export const minP = defineSampler({
  name: 'min_p',
  title: 'Min-p',
  meaning: 'Keeps the tokens whose probability is at least a given share of the largest one.',
  reference: {
    title: 'Nguyen et al.: Turning up the heat: min-p sampling (2024)',
    url: 'https://arxiv.org/abs/2407.01082',
  },
  stage: 'truncation',
  isCommon: true,
  fields: {
    min_p: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Smallest probability of a token to keep, as a share of the largest probability, from 0 to 1. 0 keeps all (off).',
        'x-typical': [0.01, 0.2],
      })
      .default(0),
  },
  example: {
    params: { min_p: 0.6 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [0, 0, 3 / 7, 4 / 7],
  },

  active: ({ min_p }) => min_p > 0,
  // p ≥ min_p · max p compares probabilities; between logits the normaliser cancels.
  apply: (row, { min_p }) => keepWithin(row, -log(min_p)),
})
