import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Admission } from '../admission/admission.ts'
import { Problem } from '../errors.ts'
import { jsonAnswer, problemResponses } from '../plugins/openapi.ts'

const Health = z
  .strictObject({ status: z.string().meta({ description: '`ok`.' }) })
  .meta({ title: 'Health', description: 'The status code is the answer.' })

/** Throws once shutdown has begun. */
export function checkReadiness({ phase }: Admission): void {
  if (phase !== 'open') throw new Problem('SHUTTING_DOWN', 'Send no more requests to this server')
}

/** GET /livez: the event loop runs. GET /readyz: the server takes requests. */
export function healthRoutes(app: FastifyInstance, admission: Admission): void {
  const probes = {
    livez: ['Is the process alive?', 'If this fails, restart the process.', () => {}],
    readyz: [
      'Does it take requests?',
      'Send no requests while this fails. It fails from SIGTERM on.',
      () => checkReadiness(admission),
    ],
  } as const
  for (const [operationId, [summary, description, check]] of Object.entries(probes)) {
    app.get(
      `/${operationId}`,
      {
        config: { access: 'probe' },
        schema: {
          operationId,
          summary,
          description,
          tags: ['health'],
          response: { 200: jsonAnswer(Health, 'Yes'), ...problemResponses(400, 503) },
        },
      },
      () => {
        check()
        return { status: 'ok' }
      },
    )
  }
}
