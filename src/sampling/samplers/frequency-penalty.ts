import * as z from 'zod'
import { countTokens, forEach, known, penaltyCost } from '../history/history.ts'
import { addToLogit } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

export const frequencyPenalty = defineSampler({
  name: 'frequency_penalty',
  title: 'Frequency penalty',
  meaning:
    'Subtracts a penalty from the logit of a token for each time that the token is in the output.',
  reference: {
    title: 'OpenAI API reference, `frequency_penalty`',
    url: 'https://platform.openai.com/docs/api-reference/chat/create',
  },
  stage: 'penalty',
  isCommon: true,
  fields: {
    frequency_penalty: z
      .number()
      .min(-1000)
      .max(1000)
      .meta({
        description:
          'Number to subtract from the logit of a token for each time that it occurs in the output, among the last `penalty_last_n` tokens. From −1000 to 1000: above 0 discourages repetition, below 0 encourages it, 0 changes nothing (off).',
        'x-typical': [-2, 2],
      })
      .default(0),
  },
  /** `output` counts only generated tokens, as vLLM does; `all` also counts those of the prompt, as llama.cpp does. */
  rules: { scope: 'output' as 'output' | 'all' },
  example: {
    // Each occurrence halves the odds.
    params: { frequency_penalty: Math.LN2 },
    history: { output: [0, 0] },
    given: [0.5, 0.25, 0.25],
    gives: [0.2, 0.4, 0.4],
  },

  usesWindow: true,
  active: ({ frequency_penalty }) => frequency_penalty !== 0,
  cost: (_params, { window, size }) => penaltyCost(window, size),
  *apply(row, { frequency_penalty }, { scope }, { window: { prompt, output } }) {
    const counts = yield* scope === 'all' ? countTokens(prompt, output) : countTokens(output)
    yield* forEach(counts, (id, count) =>
      addToLogit(row, known(row, id), -frequency_penalty * count),
    )
  },
})
