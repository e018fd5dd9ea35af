import type { FastifyInstance } from 'fastify'
import type { Admission } from '../admission/admission.ts'
import { mayEnd } from '../admission/drain.ts'

/**
 * From SIGTERM on, answers end their connections. So clients move to another server, and shutdown need not wait for idle
 * connections. An answer that another request follows on the connection does not end it, because that request would be lost.
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
