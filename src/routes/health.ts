import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import type { Admission } from '../admission/admission.ts'
import { Problem } from '../errors.ts'
import { jsonAnswer, problemResponses } from '../plugins/openapi.ts'

const Health = z.strictObject({ status: z.string().meta({ description: '`ok`.' }) }).meta({
  title: 'Health',
  description: 'The body of a check that passes. If it fails, the status is 503.',
})

/** Throws once shutdown has begun. */
export function checkReadiness({ phase }: Admission): void {
  if (phase !== 'open') throw new Problem('SHUTTING_DOWN', 'Send no more requests to this server')
}

/** GET /livez: the event loop runs. GET /readyz: the server takes requests. */
export function healthRoutes(app: FastifyInstance, admission: Admission): void {
  const probes = {
    livez: {
      summary: 'Check that the process is alive',
      description: 'If this fails, restart the process.',
      passed: 'The process is alive',
      check() {},
    },
    readyz: {
      summary: 'Check that the server takes requests',
      description: 'Send no requests while this fails. It fails from SIGTERM on.',
      passed: 'The server takes requests',
      check: () => checkReadiness(admission),
    },
  }
  for (const [operationId, { summary, description, passed, check }] of Object.entries(probes)) {
    app.get(
      `/${operationId}`,
      {
        config: { access: 'probe' },
        schema: {
          operationId,
          summary,
          description,
          tags: ['health'],
          response: { 200: jsonAnswer(Health, passed), ...problemResponses(400, 503) },
        },
      },
      () => {
        check()
        return { status: 'ok' }
      },
    )
  }
}
