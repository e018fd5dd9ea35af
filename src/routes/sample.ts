import type { FastifyInstance } from 'fastify'
import { SampleResponse } from '../protocols/json/response.ts'
import { sampleOperation } from '../request/operations.ts'
import type { ApiContext } from './api.ts'
import { samplingRoute } from './sampling.ts'

const examples = {
  one_token: {
    summary: 'One token from five logits',
    request: { logits: [2, 1, 0.5, -1, -3], temperature: 0.8, seed: 42 },
  },
  greedy: {
    summary: 'Temperature 0: always the most likely token',
    request: { logits: [2, 1, 0.5, -1, -3], temperature: 0, seed: 42 },
  },
  truncated: {
    summary: 'Ten tokens after top-k, top-p and min-p, with the most likely three',
    request: {
      logits: [2, 1, 0.5, -1, -3],
      temperature: 1.2,
      top_k: 4,
      top_p: 0.95,
      min_p: 0.05,
      n: 10,
      seed: 42,
      top_logprobs: 3,
    },
  },
  batch: {
    summary: 'Two rows; the second has its own temperature and a banned token',
    request: {
      logits: [
        [2, 1, 0.5, -1, -3],
        [0, 0, '-Infinity' as const, 3, 1],
      ],
      temperature: 0.8,
      seed: '42',
      rows: [{}, { temperature: 1.5, banned_token_ids: [3] }],
    },
  },
  tensor: {
    summary: 'A float32 tensor in base64, without replacement',
    request: {
      logits: { dtype: 'float32', shape: [1, 4], data: 'AAAAQAAAgD8AAAA/AACAvw==' },
      n: 2,
      replacement: false,
      seed: 7,
      return_probabilities: 'none' as const,
    },
  },
}

/** POST /v1/sample: logits in, token ids out. */
export function sampleRoute(app: FastifyInstance, context: ApiContext): Promise<void> {
  return samplingRoute(app, context, {
    url: '/v1/sample',
    operationId: 'sample',
    summary: 'Draw tokens from logits',
    description:
      'Runs the samplers that the request switches on, in the order of the profile, and then draws n tokens for each row. The answer has seed, stream and step. The same request with the same seed, stream and step draws the same tokens.',
    operation: sampleOperation,
    response: SampleResponse,
    answersTensor: false,
    examples,
  })
}
