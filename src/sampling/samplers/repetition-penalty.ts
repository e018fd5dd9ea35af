import * as z from 'zod'
import { countTokens, discourage, penaltyCost } from '../history/history.ts'
import { defineSampler } from '../sampler.ts'

export const repetitionPenalty = defineSampler({
  name: 'repetition_penalty',
  title: 'Repetition penalty',
  meaning:
    'Lowers the logit of every token that prompt or output already has: divides a positive logit, multiplies a negative one.',
  reference: {
    title: 'Keskar et al.: CTRL, a conditional transformer language model (2019)',
    url: 'https://arxiv.org/abs/1909.05858',
  },
  stage: 'penalty',
  isCommon: true,
  fields: {
    repetition_penalty: z
      .number()
      .min(0.001)
      .max(1000)
      .meta({
        description:
          'Factor for the logit of a token among the last `penalty_last_n` tokens of prompt and output: a positive logit is divided by it, a negative one multiplied. It applies once, however often the token occurs. From 0.001 to 1000: above 1 discourages repetition, below 1 encourages it, 1 changes nothing (off).',
        'x-typical': [1, 1.3],
      })
      .default(1),
  },
  example: {
    // The logarithm of a probability is negative, so it is doubled, which squares the probability.
    params: { repetition_penalty: 2 },
    history: { output: [0] },
    given: [0.5, 0.25, 0.25],
    gives: [1 / 3, 1 / 3, 1 / 3],
  },

  usesWindow: true,
  active: ({ repetition_penalty }) => repetition_penalty !== 1,
  cost: (_params, { window, size }) => penaltyCost(window, size),
  *apply(row, { repetition_penalty }, _rules, { window: { prompt, output } }) {
    yield* discourage(row, yield* countTokens(prompt, output), repetition_penalty)
  },
})
