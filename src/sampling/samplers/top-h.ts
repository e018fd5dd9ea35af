import * as z from 'zod'
import { finish } from '../../algorithms/pausing.ts'
import { exp, log } from '../../kernel/index.ts'
import { keepTop } from '../row/cuts.ts'
import { largestLogits } from '../row/ranking.ts'
import { defineSampler } from '../sampler.ts'

/** The number of most likely tokens that may be kept. */
const TOKENS = 100

/** Slack, so that rounding does not remove a token that reaches the bound exactly. */
const ROUNDING = 1 + 1e-12

export const topH = defineSampler({
  name: 'top_h',
  title: 'Top-h (bounded entropy)',
  meaning:
    'Keeps the most likely tokens whose terms of the entropy add up to at most a given share of it.',
  reference: {
    title: 'Potraghloo et al.: Top-H decoding (2025)',
    url: 'https://arxiv.org/abs/2509.02510',
  },
  stage: 'truncation',
  fields: {
    top_h: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Share of the entropy to keep, from 0 to 1, computed over the 100 most likely tokens. Their terms −p ln p are added from the most likely one on; the first token that exceeds the share is removed with all after it. The most likely token always stays. 0 keeps all (off).',
        'x-typical': [0.3, 0.5],
      })
      .default(0),
  },
  example: {
    // In bits, the terms are 0.5, 0.5, 0.375 and 0.375; the entropy is 1.75.
    params: { top_h: 0.6 },
    given: [0.5, 0.25, 0.125, 0.125],
    gives: [2 / 3, 1 / 3, 0, 0],
  },

  cost: (_params, { size }) => size,
  active: ({ top_h }) => top_h > 0,
  /** Whether `min_tokens_to_keep` holds here; in transformers it does not. */
  rules: { keeps_minimum: true as boolean },
  *apply(row, { top_h }, { keeps_minimum }) {
    const max = row.max()
    const largest = yield* largestLogits(row, TOKENS)
    const masses = largest.map((logit) => exp((logit - max) / row.temperature))
    const total = masses.reduce((a, b) => a + b)
    // A token of probability 0 has no term, and neither have those after it.
    const terms = masses.filter((mass) => mass > 0).map((mass) => entropyTerm(mass / total))
    const bound = top_h * ROUNDING * terms.reduce((a, b) => a + b)
    let sum = 0
    const crossing = terms.findIndex((term) => {
      sum += term
      return sum > bound
    })
    const count = crossing < 0 ? terms.length : Math.max(1, crossing)
    yield* finish(keepTop(row, count, false, keeps_minimum ? row.minTokensToKeep : 1))
  },
})

const entropyTerm = (p: number) => -p * log(p)
