import { tensorHeaders } from '../protocols/octets/response.ts'
import { problemFailure } from '../protocols/problem.ts'
import type { Api } from './api.ts'
import { probabilitiesRoute } from './probabilities.ts'
import { sampleRoute } from './sample.ts'

/** Kelvin's own API: JSON, and tensors as bytes. */
export const v1: Api = {
  prefix: '/v1',
  exposedHeaders: Object.keys(tensorHeaders).map((name) => name.toLowerCase()),
  failure: problemFailure,
  async register(app, context) {
    await sampleRoute(app, context)
    await probabilitiesRoute(app, context)
  },
}
