import * as z from 'zod'
import { keepLikely } from '../row/cuts.ts'
import { totalMass } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

export const topA = defineSampler({
  name: 'top_a',
  title: 'Top-a',
  meaning:
    'Keeps the tokens whose probability is at least a factor times the square of the largest one.',
  reference: {
    title: 'BlinkDL: top-a, in the readme of RWKV-LM (2022)',
    url: 'https://github.com/BlinkDL/RWKV-LM#the-top-a-sampling-method',
  },
  stage: 'truncation',
  fields: {
    top_a: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Factor, from 0 to 1: tokens with p ≥ factor · (largest p)² stay. It removes most if one token is far more likely than all others. 0 keeps all (off).',
        'x-typical': [0.1, 0.5],
      })
      .default(0),
  },
  example: {
    // 0.75 · 0.4² = 0.12
    params: { top_a: 0.75 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [0, 2 / 9, 3 / 9, 4 / 9],
  },

  active: ({ top_a }) => top_a > 0,
  apply(row, { top_a }) {
    const largest = 1 / totalMass(row)
    return keepLikely(row, top_a * largest * largest)
  },
})
