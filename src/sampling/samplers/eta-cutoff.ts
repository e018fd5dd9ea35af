import * as z from 'zod'
import { exp } from '../../kernel/index.ts'
import { keepLikely } from '../row/cuts.ts'
import { entropy } from '../row/statistics.ts'
import { defineSampler } from '../sampler.ts'

export const etaCutoff = defineSampler({
  name: 'eta_cutoff',
  title: 'Eta cutoff',
  meaning:
    'Keeps the tokens whose probability is at least the given one, or a smaller one if the distribution is flat.',
  reference: {
    title: 'Hewitt, Manning, Liang: Truncation sampling as language model desmoothing (2022)',
    url: 'https://arxiv.org/abs/2210.15191',
  },
  stage: 'truncation',
  fields: {
    eta_cutoff: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Value ε, from 0 to 1: tokens with p ≥ min(ε, √ε · exp(−entropy)) stay. If too few tokens reach it, the `min_tokens_to_keep` most likely ones stay. 0 keeps all (off).',
        'x-typical': [0.0003, 0.004],
      })
      .default(0),
  },
  /** The same rule as that of `epsilon_cutoff`. */
  rules: { ties: 'exact' as 'exact' | 'all' },
  example: {
    // An entropy of 1.2130 nats: √0.25 · exp(−1.2130) = 0.1487 is less than 0.25.
    params: { eta_cutoff: 0.25 },
    given: [0.5, 0.25, 0.125, 0.125],
    gives: [2 / 3, 1 / 3, 0, 0],
  },

  active: ({ eta_cutoff }) => eta_cutoff > 0,
  apply(row, { eta_cutoff }, { ties }) {
    const eta = Math.min(eta_cutoff, Math.sqrt(eta_cutoff) * exp(-entropy(row)))
    return keepLikely(row, eta, ties === 'all')
  },
})
