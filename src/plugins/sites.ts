import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'

/**
 * What a browser says about the page that sends a request. Any page can send requests to the machine it is
 * looked at from. Without keys, only `Host` and `Origin` tell such a page from a program.
 */

/** How much of a header is repeated. */
const quote = (text: string) => JSON.stringify(text.slice(0, 128))

const isLoopback = (name: string) =>
  name === 'localhost' ||
  name.endsWith('.localhost') ||
  name === '[::1]' ||
  (isIPv4(name) && name.startsWith('127.'))

/** A URL for a `Host`, in the form in which all spellings of a host are one. */
function parseHost(host: string, scheme: string): URL | null {
  return URL.parse(`${scheme}://${host.replace(/\.(?=$|:)/, '')}`)
}

const nameOf = (host: string) => parseHost(host, 'http')?.hostname

/** Whether a host name, as `URL` spells it, may be the one of this server. */
function hostFilter({ HOST, ALLOWED_HOSTS }: Config): (name: string) => boolean {
  if (ALLOWED_HOSTS) {
    if (ALLOWED_HOSTS.includes('*')) return () => true
    const names = new Set(ALLOWED_HOSTS.map(nameOf))
    return (name) => names.has(name)
  }
  const own = nameOf(HOST.includes(':') ? `[${HOST}]` : HOST)
  // Bound to more than this machine's own loopback, it has names that nobody here knows.
  return own !== undefined && isLoopback(own) ? isLoopback : () => true
}

/** The scheme, host and port that a request was sent to. */
function targetOf({ headers, socket }: IncomingMessage): URL | null {
  return parseHost(headers.host ?? '', (socket as TLSSocket).encrypted ? 'https' : 'http')
}

/** Finds what a page may not do: reach this server by a name that is not its own, or post to it from another origin. */
export function openSites(config: Config): (request: IncomingMessage) => Problem | undefined {
  const isOwnName = hostFilter(config)
  const origins = new Set(config.CORS_ORIGINS ?? [])

  /** Over a Unix socket there is no address, and no browser. */
  function checkHost({ headers: { host }, socket }: IncomingMessage): Problem | undefined {
    // A browser always sends one.
    if (host === undefined || socket.remoteAddress === undefined) return undefined
    if (isOwnName(nameOf(host) ?? '')) return undefined
    const detail = `Host ${quote(host)} is not allowed: add its name to ALLOWED_HOSTS`
    return new Problem('SITE_NOT_ALLOWED', detail)
  }

  function isOwnOrigin(origin: string, request: IncomingMessage): boolean {
    const target = targetOf(request)
    // Before a proxy that takes TLS off, the scheme is another; the browser knows which.
    const isSame = request.headers['sec-fetch-site'] === 'same-origin'
    return target?.origin === origin || (isSame && target?.host === URL.parse(origin)?.host)
  }

  function checkOrigin(request: IncomingMessage): Problem | undefined {
    const { origin, 'sec-fetch-site': site } = request.headers
    const isForeign = site === 'cross-site' || site === 'same-site'
    if (origin === undefined ? !isForeign : origins.has(origin)) return undefined
    if (origins.has('*')) return undefined
    if (origin !== undefined && isOwnOrigin(origin, request)) return undefined
    const from = origin === undefined ? 'another site' : `origin ${quote(origin)}`
    const detail = `Requests from ${from} are not allowed: add the origin to CORS_ORIGINS`
    return new Problem('SITE_NOT_ALLOWED', detail)
  }

  return (request) =>
    checkHost(request) ?? (request.method === 'POST' ? checkOrigin(request) : undefined)
}
