import * as z from 'zod'
import { finish } from '../../algorithms/pausing.ts'
import { keepWithinDeviations } from '../row/cuts.ts'
import { defineSampler } from '../sampler.ts'

export const topNSigma = defineSampler({
  name: 'top_n_sigma',
  title: 'Top-nσ',
  meaning: 'Keeps the tokens whose logit is at most n standard deviations below the largest one.',
  reference: {
    title: 'Tang et al.: Top-nσ: not all logits are you need (2024)',
    url: 'https://arxiv.org/abs/2411.07641',
  },
  stage: 'truncation',
  fields: {
    top_n_sigma: z
      .number()
      .min(-1)
      .meta({
        description:
          'Number of standard deviations below the largest logit within which tokens stay. The deviation is the population standard deviation of the logits in play. Any finite number above 0; temperature does not change the tokens kept. −1 to 0 keep all (off).',
        'x-typical': [0.5, 2],
      })
      .default(0),
  },
  example: {
    // The logits are 4, 2, 2, 0 and 0 bits, their mean is 1.6 and their standard deviation 1.497.
    params: { top_n_sigma: 2 },
    given: [16 / 26, 4 / 26, 4 / 26, 1 / 26, 1 / 26],
    gives: [16 / 24, 4 / 24, 4 / 24, 0, 0],
  },

  rules: {
    /** Whether `min_tokens_to_keep` holds here; in llama.cpp it does not. */
    keeps_minimum: true as boolean,
    /** Whether removed tokens stay in the list of candidates as masked ones, as in llama.cpp. */
    masks: false as boolean,
  },
  active: ({ top_n_sigma }) => top_n_sigma > 0,
  *apply(row, { top_n_sigma }, { keeps_minimum, masks }) {
    const { listed } = row
    const atLeast = keeps_minimum ? row.minTokensToKeep : 1
    yield* finish(keepWithinDeviations(row, top_n_sigma, atLeast))
    if (masks) row.listed = listed
  },
})
