import type { FastifyInstance } from 'fastify'
import type { Admission } from '../admission/admission.ts'

/** While the server closes, answers end their connections, which it would otherwise wait for. */
export function registerShutdown(app: FastifyInstance, admission: Admission): void {
  app.addHook('preClose', (done) => {
    admission.phase = 'closing'
    done()
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (admission.phase === 'closing') reply.header('connection', 'close')
    done()
  })
}
