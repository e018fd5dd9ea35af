import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { jsonAnswer, problemResponses } from '../plugins/openapi.ts'

const Health = z
  .strictObject({ status: z.literal('ok') })
  .meta({ id: 'Health', description: 'The status code says it all.' })

/** GET /livez: the event loop answers. GET /readyz: requests are welcome, until shutdown begins. */
export function healthRoutes(app: FastifyInstance): void {
  const probes = {
    livez: ['Is the process alive?', 'Restart it when this fails.'],
    readyz: ['Does it take requests?', 'Send it none while this fails; it fails from SIGTERM on.'],
  } as const
  for (const [operationId, [summary, description]] of Object.entries(probes)) {
    app.get(
      `/${operationId}`,
      {
        schema: {
          operationId,
          summary,
          description,
          tags: ['health'],
          response: { 200: jsonAnswer(Health, 'Yes'), ...problemResponses(400, 503) },
        },
      },
      () => ({ status: 'ok' }),
    )
  }
}
