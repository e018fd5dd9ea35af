import type { FastifyInstance } from 'fastify'

/** While the server closes, answers end their connections, which it would otherwise wait for. */
export function registerShutdown(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', (done) => {
    closing = true
    done()
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing) reply.header('connection', 'close')
    done()
  })
}
