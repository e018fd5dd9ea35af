import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** Swagger UI at /docs. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Kelvin' },
    uiConfig: {
      docExpansion: 'list',
      tryItOutEnabled: true,
      displayRequestDuration: true,
      // Highlighting hangs the page on answers of a megabyte.
      syntaxHighlight: { activate: false },
    },
    staticCSP: true,
    // Upgraded to https, the page's own scripts are not found on a plain http server.
    transformStaticCSP: (header) => header.replace('upgrade-insecure-requests;', '').trim(),
  })
}
