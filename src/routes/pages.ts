import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Asset, listAssets, loadAssets } from './assets.ts'

/** Scripts, styles and answers of this server only, none of them written into the page. */
const POLICY = Object.entries({
  'default-src': "'none'",
  'base-uri': "'none'",
  'connect-src': "'self'",
  'form-action': "'none'",
  'frame-ancestors': "'self'",
  'img-src': "'self'",
  'script-src': "'self'",
  'style-src': "'self'",
})
  .map((directive) => directive.join(' '))
  .join('; ')

const INDEX = '/playground/index.html'

/** GET /, the playground, with what it is made of; and GET /openapi.json. */
export function pageRoutes(app: FastifyInstance): void {
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())

  const files = listAssets()
  let loading: Promise<ReadonlyMap<string, Asset>> | undefined
  for (const path of files.keys()) {
    app.get(path === INDEX ? '/' : path, { schema: { hide: true } }, async (request, reply) => {
      // Most servers are never asked for a page.
      loading ??= loadAssets(files).catch((error) => {
        loading = undefined
        throw error
      })
      return sendAsset(request, reply, (await loading).get(path)!)
    })
  }
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, { type, etag, bodies }: Asset) {
  reply
    .headers({
      'cache-control': 'no-cache',
      'content-security-policy': POLICY,
      etag,
      vary: 'accept-encoding',
    })
    .type(type)
  if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  const accepted = String(request.headers['accept-encoding'] ?? '')
    .split(',')
    .map((one) => one.trim())
  const encoding = [...bodies.keys()].find((name) => accepted.includes(name)) ?? 'identity'
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  return reply.send(bodies.get(encoding))
}
