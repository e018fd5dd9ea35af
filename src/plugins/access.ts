import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { endAfterAnswer } from '../admission/drain.ts'
import { ApiKey, type Config, ConfigError } from '../config.ts'
import { Problem } from '../errors.ts'
import { followFiles } from '../files.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whom a route is for, where it is not for who has a key. */
    access?: 'probe' | 'docs' | 'metrics'
  }
}

/** Of one length, so that comparing takes the same time whatever is compared. */
const digest = (text: string) => createHash('sha256').update(text).digest()

/** All keys are compared with, whether or not one fits. */
function isAmong(keys: readonly Buffer[], given: string): boolean {
  const own = digest(given)
  return keys.reduce((found, key) => timingSafeEqual(key, own) || found, false)
}

function parseKeys(content: string): string[] {
  const lines = content.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  for (const key of keys) {
    // What is wrong with it is said without it.
    if (!ApiKey.safeParse(key).success)
      throw new Error(ApiKey.safeParse(key).error!.issues[0]!.message)
  }
  return keys
}

/** Asks for a key, if there are any; of probes never, of documentation and metrics as configured. */
export function registerAccess(app: FastifyInstance, config: Config): void {
  const own = (config.API_KEYS ?? []).map(digest)
  let keys: readonly Buffer[] = own
  const { API_KEYS_FILE: path } = config
  if (path !== undefined) {
    try {
      const use = (content: string) => {
        keys = [...own, ...parseKeys(content).map(digest)]
      }
      app.addHook('onClose', followFiles([path], use, app.log))
    } catch (error) {
      throw new ConfigError(`API_KEYS_FILE=${path}: ${(error as Error).message}`)
    }
  }
  const isAsked = path !== undefined || config.API_KEYS !== undefined
  const policies = { probe: 'public', docs: config.DOCS_ACCESS, metrics: config.METRICS_ACCESS }

  app.addHook('onRequest', (request, reply, done) => {
    const { access } = request.routeOptions.config
    if (!isAsked || (access && policies[access] === 'public')) return done()
    const [, given] = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
    if (given !== undefined && isAmong(keys, given)) return done()
    reply.header('www-authenticate', 'Bearer')
    endAfterAnswer(request.raw, reply.raw)
    const detail = given === undefined ? 'Expected Authorization: Bearer with a key' : 'Unknown key'
    done(new Problem('UNAUTHORIZED', detail))
  })
}
