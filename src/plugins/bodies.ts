import type { FastifyInstance } from 'fastify'

/** Bodies are read by the route that they are for, as they arrive. */
export function registerBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    ['application/json', 'application/octet-stream'],
    (_request, payload, done) => done(null, payload),
  )
}
