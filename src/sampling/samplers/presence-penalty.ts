import * as z from 'zod'
import { countTokens, forEach, known, penaltyCost } from '../history/history.ts'
import { addToLogit } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

export const presencePenalty = defineSampler({
  name: 'presence_penalty',
  title: 'Presence penalty',
  meaning: 'Subtracts a penalty once from the logit of every token in the output.',
  reference: {
    title: 'OpenAI API reference, `presence_penalty`',
    url: 'https://platform.openai.com/docs/api-reference/chat/create',
  },
  stage: 'penalty',
  isCommon: true,
  fields: {
    presence_penalty: z
      .number()
      .min(-1000)
      .max(1000)
      .meta({
        description:
          'Number to subtract once from the logit of each token that occurs in the output, among the last `penalty_last_n` tokens. From −1000 to 1000: above 0 discourages repetition, below 0 encourages it, 0 changes nothing (off).',
        'x-typical': [-2, 2],
      })
      .default(0),
  },
  /** `output` looks only at generated tokens, as vLLM does; `all` also at those of the prompt, as llama.cpp does. */
  rules: { scope: 'output' as 'output' | 'all' },
  example: {
    // The odds are halved once, however often the token occurs.
    params: { presence_penalty: Math.LN2 },
    history: { output: [0, 0] },
    given: [0.5, 0.25, 0.25],
    gives: [1 / 3, 1 / 3, 1 / 3],
  },

  usesWindow: true,
  active: ({ presence_penalty }) => presence_penalty !== 0,
  cost: (_params, { window, size }) => penaltyCost(window, size),
  *apply(row, { presence_penalty }, { scope }, { window: { prompt, output } }) {
    const counts = yield* scope === 'all' ? countTokens(prompt, output) : countTokens(output)
    yield* forEach(counts, (id) => addToLogit(row, known(row, id), -presence_penalty))
  },
})
