import type { FastifyInstance } from 'fastify'

/** GET /openapi.json, and / which leads to the documentation. */
export function pageRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/docs'))
}
