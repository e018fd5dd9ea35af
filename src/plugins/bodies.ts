import type { FastifyInstance } from 'fastify'

export const bodyTypes = ['application/json', 'application/octet-stream']

/** Bodies are read by the route that they are for, as they arrive. */
export function registerBodies(app: FastifyInstance, limit: number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(bodyTypes, (_request, payload, done) => done(null, payload))
  // A client that asks before it sends is spared from sending what is too large.
  app.server.on('checkContinue', (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= limit) response.writeContinue()
    app.server.emit('request', request, response)
  })
}
