import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** Swagger UI at /docs. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: {
      title: 'Kelvin',
      css: [{ filename: 'kelvin.css', content: '.swagger-ui .topbar { display: none }' }],
    },
    uiConfig: {
      docExpansion: 'list',
      tryItOutEnabled: true,
      displayRequestDuration: true,
      // Highlighting hangs the page on answers of a megabyte.
      syntaxHighlight: { activate: false },
    },
    // The plugin's own policy has upgrade-insecure-requests, under which the page's scripts are not
    // found on a plain http server.
    staticCSP:
      "default-src 'self'; base-uri 'self'; font-src 'self'; frame-ancestors 'self'; img-src 'self' data:; " +
      "object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self' 'unsafe-inline'",
  })
}
