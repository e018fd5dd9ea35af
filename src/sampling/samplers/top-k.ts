import * as z from 'zod'
import { keepTop } from '../row/cuts.ts'
import { defineSampler } from '../sampler.ts'

export const topK = defineSampler({
  name: 'top_k',
  title: 'Top-k',
  meaning: 'Keeps the k most likely tokens.',
  reference: {
    title: 'Fan, Lewis, Dauphin: Hierarchical neural story generation (2018)',
    url: 'https://arxiv.org/abs/1805.04833',
  },
  stage: 'truncation',
  isCommon: true,
  fields: {
    top_k: z
      .int()
      .min(-1)
      .meta({
        description:
          'Number of most likely tokens to keep. 0, −1, and the vocabulary size or more keep all (off).',
        'x-typical': [20, 100],
      })
      .default(0),
  },
  rules: {
    /**
     * `exact` keeps k tokens, of tied ones the lower ids. llama.cpp does the same, but its sort is unstable. `all` also
     * keeps every token tied with the k-th, as vLLM and transformers do.
     */
    ties: 'exact' as 'exact' | 'all',
    /** Whether `min_tokens_to_keep` holds here; in llama.cpp it does not. */
    keeps_minimum: true as boolean,
  },
  example: {
    params: { top_k: 2 },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [0, 0, 3 / 7, 4 / 7],
  },

  active: ({ top_k }) => top_k > 0,
  leavesOne: ({ top_k }, { ties, keeps_minimum }, minimum) =>
    top_k === 1 && ties === 'exact' && (minimum === 1 || !keeps_minimum),
  apply: (row, { top_k }, { ties, keeps_minimum }) =>
    keepTop(row, top_k, ties === 'all', keeps_minimum ? row.minTokensToKeep : 1),
})
