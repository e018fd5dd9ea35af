import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { chooseEncoding } from '../plugins/encodings.ts'
import { jsonAnswer, problemResponses, textHeader } from '../plugins/openapi.ts'
import { type Asset, listAssets, loadAssets, makeAsset } from './assets.ts'

/** Allows scripts, styles, images and connections of this server only, and nothing inline. */
const POLICY = Object.entries({
  'default-src': "'none'",
  'base-uri': "'none'",
  'connect-src': "'self'",
  'form-action': "'none'",
  'frame-ancestors': "'self'",
  'img-src': "'self'",
  'script-src': "'self'",
  'style-src': "'self'",
  'worker-src': "'self'",
})
  .map((directive) => directive.join(' '))
  .join('; ')

const INDEX = 'index.html'

const Document = z
  .record(z.string(), z.unknown())
  .meta({ title: 'OpenapiDocument', description: 'An OpenAPI document.' })

const caching = {
  ETag: textHeader('Identifies this version of the document.'),
  'Cache-Control': textHeader('`no-cache`: a cache must ask for a new version before each use.'),
}

/** GET /openapi.json. The document is made once. */
function documentRoute(app: FastifyInstance): void {
  let made: Promise<Asset> | undefined
  app.get(
    '/openapi.json',
    {
      schema: {
        operationId: 'openapi',
        summary: 'Get this document',
        description: 'Compressed for clients that accept brotli or gzip.',
        tags: ['about'],
        requestHeaders: {
          'If-None-Match': textHeader('The `ETag` of the version that the client has.'),
        },
        response: {
          200: jsonAnswer(Document, 'This document', caching),
          304: {
            description: 'The version that the client has is still current',
            headers: caching,
          },
          ...problemResponses(400, 401, 503),
        },
      },
    },
    async (request, reply) => {
      made ??= makeAsset(
        'application/json; charset=utf-8',
        Buffer.from(JSON.stringify(app.swagger())),
      )
      return sendAsset(request, reply, await made)
    },
  )
}

/** GET / for the playground, its files, and GET /openapi.json. */
export function pageRoutes(app: FastifyInstance): void {
  documentRoute(app)
  let loading: Promise<ReadonlyMap<string, Asset>> | undefined
  for (const name of listAssets()) {
    const path = name === INDEX ? '/' : `/playground/${name}`
    app.get(path, { schema: { hide: true } }, async (request, reply) => {
      // Load on the first request, because most servers never get one.
      loading ??= loadAssets().catch((error) => {
        loading = undefined
        throw error
      })
      return sendAsset(request, reply, (await loading).get(name)!)
    })
  }
}

/** Whether the client already has this version. GET compares ETags weakly (RFC 9110). */
function isKnown({ headers }: FastifyRequest, etag: string): boolean {
  const known = String(headers['if-none-match'] ?? '').split(',')
  const opaque = etag.replace('W/', '')
  return known.some((one) => ['*', opaque, etag].includes(one.trim()))
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, { type, etag, bodies }: Asset) {
  reply.headers({
    'cache-control': 'no-cache',
    'content-security-policy': POLICY,
    etag,
  })
  if (isKnown(request, etag)) return reply.header('vary', 'accept-encoding').code(304).send()
  const encoding = chooseEncoding(request, reply, [...bodies.keys()])
  return reply.type(type).send(bodies.get(encoding))
}
