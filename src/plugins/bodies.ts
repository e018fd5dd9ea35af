import type { FastifyInstance } from 'fastify'

export const bodyTypes = ['application/json', 'application/octet-stream']

/** Bodies are read by the route that they are for, as they arrive. */
export function registerBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(bodyTypes, (_request, payload, done) => done(null, payload))
  // A client that asks before it sends gets its answer when the body is read, or is spared sending it.
  app.server.on('checkContinue', (request, response) => {
    app.server.emit('request', request, response)
  })
}
