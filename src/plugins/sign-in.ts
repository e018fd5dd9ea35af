import { readFileSync } from 'node:fs'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bearerOf } from '../bearer.ts'
import { makeTicket, TICKET } from '../ticket.ts'

const read = (file: string) =>
  readFileSync(new URL(`../playground/sign-in/${file}`, import.meta.url))

const POLICY = [
  "default-src 'none'",
  "base-uri 'none'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "script-src 'self'",
  "style-src 'self'",
].join('; ')

const headers = {
  'cache-control': 'no-store',
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

const page = read('sign-in.html')

/** Whether a browser asks for a page to show to a person. */
export const wantsPage = ({ method, headers: { accept } }: FastifyRequest): boolean =>
  method === 'GET' && /\btext\/html\b/.test(accept ?? '')

/** Answers with the page on which a person enters a key. */
export function sendSignIn(reply: FastifyReply): void {
  reply.code(401).headers(headers).type('text/html; charset=utf-8').send(page)
}

/** The files of the page, and POST /sign-in, which gives a client with a key a cookie for pages. The cookie opens nothing else. */
export function signInRoutes(app: FastifyInstance, { isSecure }: { isSecure: boolean }): void {
  const types = { 'sign-in.js': 'text/javascript', 'sign-in.css': 'text/css' }
  for (const [file, type] of Object.entries(types)) {
    const content = read(file)
    app.get(
      `/sign-in/${file}`,
      { schema: { hide: true }, config: { access: 'probe' } },
      (_, reply) => {
        reply.headers(headers).type(`${type}; charset=utf-8`).send(content)
      },
    )
  }
  app.post('/sign-in', { schema: { hide: true } }, (request, reply) => {
    const cookie = `${TICKET}=${makeTicket(bearerOf(request.headers)!)}; Path=/; HttpOnly; SameSite=Strict`
    reply
      .code(204)
      .header('set-cookie', isSecure ? `${cookie}; Secure` : cookie)
      .send()
  })
}
