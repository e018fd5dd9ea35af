import * as z from 'zod'
import { exp } from '../../kernel/index.ts'
import { defineSampler } from '../sampler.ts'

export const etaCutoff = defineSampler({
  name: 'eta_cutoff',
  title: 'Eta cutoff',
  meaning:
    'Keeps the tokens at least this likely, or less where the distribution is flat, or else the most likely one.',
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
          'Sets the least probability of a token to min(ε, √ε · exp(−entropy)), where ε, from 0 to 1, is this value. ' +
          'Where none is that likely, `min_tokens_to_keep` most likely ones stay. 0 keeps all (off).',
        'x-typical': [0.0003, 0.004],
      })
      .default(0),
  },
  /** As `epsilon_cutoff` has it. */
  rules: { ties: 'exact' as 'exact' | 'all' },
  example: {
    // An entropy of 1.2130 nats: √0.25 · exp(−1.2130) = 0.1487 is less than 0.25.
    params: { eta_cutoff: 0.25 },
    given: [0.5, 0.25, 0.125, 0.125],
    gives: [2 / 3, 1 / 3, 0, 0],
  },

  active: ({ eta_cutoff }) => eta_cutoff > 0,
  apply(row, { eta_cutoff }, { ties }) {
    const eta = Math.min(eta_cutoff, Math.sqrt(eta_cutoff) * exp(-row.entropy()))
    row.keepLikely(eta, ties === 'all')
  },
})
