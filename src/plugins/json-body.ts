import type { FastifyInstance } from 'fastify'
import { Problem } from '../errors.ts'

/** JSON bodies, with the parser's own word on where one is broken. */
export function registerJsonBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body.length === 0) return done(new Problem('EMPTY_BODY', 'Expected a JSON object'))
    try {
      done(null, JSON.parse(body as string))
    } catch (error) {
      const hint = /\b(NaN|Infinity)\b|minus sign/.test((error as Error).message)
        ? '; JSON has no NaN or Infinity, and −∞ is "-Infinity" here'
        : ''
      done(new Problem('INVALID_JSON', `${(error as Error).message}${hint}`))
    }
  })
}
