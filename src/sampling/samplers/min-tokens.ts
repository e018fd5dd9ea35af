import * as z from 'zod'
import { allKnown } from '../history/history.ts'
import { remove } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

export const minTokens = defineSampler({
  name: 'min_tokens',
  title: 'Minimum length',
  meaning: 'Bans the stop tokens until the output is long enough.',
  reference: {
    title: 'vLLM, `SamplingParams.min_tokens`',
    url: 'https://docs.vllm.ai/en/latest/api/vllm/sampling_params/',
  },
  stage: 'mask',
  fields: {
    min_tokens: z
      .int()
      .min(0)
      .meta({
        description:
          'Smallest length of the output in tokens, without the prompt. Before it, the tokens of `stop_token_ids` are banned. 0 never bans them (off). If no token is left, the answer is a 422.',
        'x-typical': [1, 256],
      })
      .default(0),
  },
  example: {
    params: { min_tokens: 1 },
    history: { stop: [2] },
    given: [0.25, 0.25, 0.5],
    gives: [0.5, 0.5, 0],
  },

  needsStop: true,
  cost: (_params, { stop, size }) => 10 * stop.length + size,
  active: ({ min_tokens }) => min_tokens > 0,
  apply(row, { min_tokens }, _rules, { output, stop }) {
    return output.length < min_tokens ? remove(row, allKnown(row, stop, 'stop')) : undefined
  },
})
