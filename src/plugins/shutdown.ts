import type { FastifyInstance } from 'fastify'
import type { Admission } from '../admission/admission.ts'
import { mayEnd } from '../admission/drain.ts'

/**
 * From SIGTERM on, answers end their connections: clients move to another server, and none is left to wait for. An answer
 * with another request behind it does not, or that request would be lost.
 */
export function registerShutdown(app: FastifyInstance, admission: Admission): void {
  app.addHook('preClose', (done) => {
    admission.phase = 'closing'
    done()
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (admission.phase !== 'open' && mayEnd(reply.raw)) reply.header('connection', 'close')
    done()
  })
}
