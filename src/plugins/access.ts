import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { endAfterAnswer } from '../admission/drain.ts'
import { bearerOf, digest } from '../bearer.ts'
import { ApiKey, type Config, ConfigError } from '../config.ts'
import { Problem } from '../errors.ts'
import { followFiles } from '../files.ts'
import { makeTicket, ticketOf } from '../ticket.ts'
import { sendSignIn, wantsPage } from './sign-in.ts'
import { openSites } from './sites.ts'

type RouteKind = 'probe' | 'docs' | 'metrics'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The access rule of a route. Omitted: only clients with a key, if there are keys. */
    access?: RouteKind
  }
}

/** Compares with all keys, even after a match, so that the time tells nothing. */
function isAmong(keys: readonly Buffer[], given: string): boolean {
  const own = digest(given)
  return keys.reduce((found, key) => timingSafeEqual(key, own) || found, false)
}

function parseKeys(content: string): string[] {
  const lines = content.split('\n').map((line) => line.trim())
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'))
  for (const key of keys) {
    // zod's message does not contain the key.
    if (!ApiKey.safeParse(key).success)
      throw new Error(ApiKey.safeParse(key).error!.issues[0]!.message)
  }
  return keys
}

/** Checks who may send requests. */
export interface Access {
  /**
   * The problem of a request that is not allowed, if any. `kind` is the access rule of the route. No POST route has one,
   * so a POST can be checked before its route is known.
   */
  check(request: IncomingMessage, kind?: RouteKind): Problem | undefined
  /** Stops watching the file of keys. */
  stop(): void
}

type Log = Parameters<typeof followFiles>[2]

/** Checks keys, or the sites of requests if the configuration has no keys. Watches the file of keys until `stop`. */
export function openAccess(config: Config, log: Log): Access {
  const own = (config.API_KEYS ?? []).map(digest)
  let keys: readonly Buffer[] = own
  let stop = () => {}
  const { API_KEYS_FILE: path } = config
  if (path !== undefined) {
    try {
      const use = (content: string) => {
        keys = [...own, ...parseKeys(content).map(digest)]
      }
      stop = followFiles([path], use, log)
    } catch (error) {
      throw new ConfigError(`API_KEYS_FILE=${path}: ${(error as Error).message}`)
    }
  }
  const isAsked = path !== undefined || config.API_KEYS !== undefined
  const checkSite = openSites(config)
  const policies = { docs: config.DOCS_ACCESS, metrics: config.METRICS_ACCESS }

  function checkKey({ headers }: IncomingMessage): Problem | undefined {
    const given = bearerOf(headers)
    if (given === undefined) {
      return new Problem('UNAUTHORIZED', 'Expected Authorization: Bearer with a key')
    }
    return isAmong(keys, given) ? undefined : new Problem('UNAUTHORIZED', 'Unknown key')
  }

  /** Whether a person has signed in with a key that is still accepted. */
  function hasTicket({ headers }: IncomingMessage): boolean {
    const given = ticketOf(headers)
    return given !== undefined && isAmong(keys.map(makeTicket).map(digest), given)
  }

  function check(request: IncomingMessage, kind?: RouteKind): Problem | undefined {
    // Probes are open to all, under any Host.
    if (kind === 'probe') return undefined
    const isPublic = kind !== undefined && policies[kind] === 'public'
    if (!isAsked || isPublic) return checkSite(request)
    return kind === 'docs' && hasTicket(request) ? undefined : checkKey(request)
  }

  return { check, stop }
}

/** Refuses every request that `access` does not allow. */
export function registerAccess(app: FastifyInstance, access: Access): void {
  app.addHook('onClose', access.stop)
  app.addHook('onRequest', (request, reply, done) => {
    const fault = access.check(request.raw, request.routeOptions.config.access)
    if (!fault) return done()
    endAfterAnswer(request.raw, reply.raw)
    const isPage = request.routeOptions.config.access === 'docs' && wantsPage(request)
    if (fault.code === 'UNAUTHORIZED' && isPage) return sendSignIn(reply)
    if (fault.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer')
    done(fault)
  })
}
