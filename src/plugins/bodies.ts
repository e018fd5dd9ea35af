import type { FastifyInstance } from 'fastify'

export const bodyTypes = ['application/json', 'application/octet-stream']

/** Bodies are read by the route that they are for, as they arrive. */
export function registerBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(bodyTypes, (_request, payload, done) => done(null, payload))
}
