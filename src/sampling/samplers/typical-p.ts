import * as z from 'zod'
import { keepShare } from '../row/shares.ts'
import { meanDistance } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

export const typicalP = defineSampler({
  name: 'typical_p',
  title: 'Locally typical',
  meaning:
    'Keeps the tokens whose −ln p is nearest to the entropy, until they hold a given share of the probability.',
  reference: {
    title: 'Meister et al.: Locally typical sampling (2022)',
    url: 'https://arxiv.org/abs/2202.00666',
  },
  stage: 'truncation',
  fields: {
    typical_p: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Share of the probability to keep, from 0 to 1, beginning with the most typical tokens: those whose −ln p is nearest to the entropy. The token that reaches this share is the last one kept. The most likely token may be removed. 1 keeps all (off).',
        'x-typical': [0.2, 0.95],
      })
      .default(1),
  },
  rules: {
    /** Of equally near tokens, `exact` takes the likelier first, then the lower id; `all` keeps every token as near as the last one, as transformers does. */
    ties: 'exact' as 'exact' | 'all',
    /** Whether the share must be exceeded, as in llama.cpp, and not only reached. */
    strict: false as boolean,
  },
  example: {
    // The entropy is 1.28 nats; −ln p is 0.92, 1.2, 1.61 and 2.3.
    params: { typical_p: 0.4 },
    given: [0.4, 0.3, 0.2, 0.1],
    gives: [0, 0.6, 0.4, 0],
  },

  cost: (_params, { size }) => 15 * size,
  active: ({ typical_p }) => typical_p < 1,
  apply: (row, { typical_p }, { ties, strict }) =>
    keepShare(row, {
      share: typical_p,
      center: meanDistance(row),
      strict,
      allTies: ties === 'all',
    }),
})
