import type { FastifyInstance } from 'fastify'
import { ProbabilitiesResponse } from '../protocols/json/response.ts'
import { probabilitiesOperation } from '../request/operations.ts'
import type { ApiContext } from './api.ts'
import { samplingRoute } from './sampling.ts'

const examples = {
  softmax: {
    summary: 'Softmax of five logits',
    request: { logits: [2, 1, 0.5, -1, -3] },
  },
  hot: {
    summary: 'A temperature above 2, with its warning',
    request: { logits: [2, 1, 0.5, -1, -3], temperature: 5 },
  },
  kept: {
    summary: 'The tokens that top-p keeps, and the raw logprobs of chosen tokens',
    request: {
      logits: [2, 1, 0.5, -1, -3],
      top_p: 0.8,
      return_probabilities: 'kept' as const,
      logprob_token_ids: [0, 4],
      logprobs_mode: 'raw' as const,
    },
  },
}

/** POST /v1/probabilities: logits in, distributions out. */
export function probabilitiesRoute(app: FastifyInstance, context: ApiContext): Promise<void> {
  return samplingRoute(app, context, {
    url: '/v1/probabilities',
    operationId: 'probabilities',
    summary: 'Turn logits into probabilities',
    description:
      'Runs the samplers as POST /v1/sample does, and answers with the distribution that they leave. It draws nothing.',
    operation: probabilitiesOperation,
    response: ProbabilitiesResponse,
    answersTensor: true,
    examples,
  })
}
