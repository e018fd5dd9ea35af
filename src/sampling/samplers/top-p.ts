import * as z from 'zod'
import { keepShare } from '../row/shares.ts'
import { defineSampler } from '../sampler.ts'

export const topP = defineSampler({
  name: 'top_p',
  title: 'Top-p (nucleus)',
  meaning:
    'Keeps the smallest set of most likely tokens that together hold at least a given share of the probability.',
  reference: {
    title: 'Holtzman et al.: The curious case of neural text degeneration (2019)',
    url: 'https://arxiv.org/abs/1904.09751',
  },
  stage: 'truncation',
  isCommon: true,
  fields: {
    top_p: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Share of the probability to keep, from 0 to 1, beginning with the most likely tokens. The token that reaches this share is the last one kept. 1 keeps all (off); 0 keeps only the most likely token.',
        'x-typical': [0.8, 0.98],
      })
      .default(1),
  },
  example: {
    params: { top_p: 0.6 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [0, 0, 3 / 7, 4 / 7],
  },

  active: ({ top_p }) => top_p < 1,
  leavesOne: ({ top_p }) => top_p === 0,
  apply: (row, { top_p }) => keepShare(row, { share: top_p }),
})
