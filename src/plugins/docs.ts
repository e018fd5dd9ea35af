import { readFileSync } from 'node:fs'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

const page = new URL('../playground/', import.meta.url)
/** A function of docs.js. Swagger UI calls it in the browser. */
declare const foldParameters: (system: unknown) => object

const read = (file: string) => readFileSync(new URL(file, page), 'utf8')

/** Swagger UI at /docs, in the colours of the playground and with a link to it. */
export async function registerDocs(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: {
      title: 'Kelvin · API',
      css: ['theme.css', 'docs.css'].map((filename) => ({
        filename,
        content: read(`styles/${filename}`),
      })),
      js: [{ filename: 'docs.js', content: read('docs.js') }],
      favicon: [
        {
          filename: 'kelvin.svg',
          rel: 'icon',
          sizes: 'any',
          type: 'image/svg+xml',
          content: read('kelvin.svg'),
        },
      ],
    },
    logo: { type: 'image/svg+xml', content: read('kelvin.svg'), href: '/' },
    uiConfig: {
      docExpansion: 'list',
      tryItOutEnabled: true,
      displayRequestDuration: true,
      plugins: [(system: unknown) => foldParameters(system)],
      // With highlighting, an answer of a megabyte hangs the page.
      syntaxHighlight: { activate: false },
    },
    // The default policy of the plugin has upgrade-insecure-requests. With that, the browser cannot load the scripts from an
    // http server.
    staticCSP:
      "default-src 'self'; base-uri 'self'; font-src 'self'; frame-ancestors 'self'; img-src 'self' data:; " +
      "object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self' 'unsafe-inline'",
  })
}
