import * as z from 'zod'
import { countTokens, discourage, penaltyCost } from '../history/history.ts'
import { defineSampler } from '../sampler.ts'

export const encoderRepetitionPenalty = defineSampler({
  name: 'encoder_repetition_penalty',
  title: 'Encoder repetition penalty',
  meaning:
    'Makes the tokens of the prompt more likely, so that the output stays close to the prompt.',
  reference: {
    title: 'transformers, `EncoderRepetitionPenaltyLogitsProcessor`',
    url: 'https://huggingface.co/docs/transformers/internal/generation_utils#transformers.EncoderRepetitionPenaltyLogitsProcessor',
  },
  stage: 'penalty',
  fields: {
    encoder_repetition_penalty: z
      .number()
      .min(0.001)
      .max(1000)
      .meta({
        description:
          'Factor for the logit of every token of the prompt: a positive logit is multiplied by it, a negative one divided. From 0.001 to 1000: above 1 favours the prompt’s tokens, below 1 avoids them, 1 changes nothing (off).',
        'x-typical': [1, 1.5],
      })
      .default(1),
  },
  example: {
    // Halving the logarithm takes the square root of the probability.
    params: { encoder_repetition_penalty: 2 },
    history: { prompt: [0] },
    given: [0.25, 0.25, 0.5],
    gives: [0.4, 0.2, 0.4],
  },

  active: ({ encoder_repetition_penalty }) => encoder_repetition_penalty !== 1,
  cost: (_params, { prompt, size }) => penaltyCost({ prompt, output: NONE }, size),
  *apply(row, { encoder_repetition_penalty }, _rules, { prompt }) {
    yield* discourage(row, yield* countTokens(prompt), 1 / encoder_repetition_penalty)
  },
})

const NONE = new Uint32Array(0)
