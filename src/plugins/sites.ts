import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'

/**
 * Checks which web page sends a request. A page in a browser can send requests to the machine on which the browser
 * runs. Without keys, only `Host`, `Origin` and `Sec-Fetch-Site` distinguish such a page from a program.
 */

/** Quotes the beginning of a header. */
const quote = (text: string) => JSON.stringify(text.slice(0, 128))

const isLoopback = (name: string) =>
  name === 'localhost' ||
  name.endsWith('.localhost') ||
  name === '[::1]' ||
  (isIPv4(name) && name.startsWith('127.'))

/** Parses a `Host` as a URL, which normalises the spelling of the host. */
function parseHost(host: string, scheme: string): URL | null {
  return URL.parse(`${scheme}://${host.replace(/\.(?=$|:)/, '')}`)
}

const nameOf = (host: string) => parseHost(host, 'http')?.hostname

/** Returns a function that tells whether a host name, normalised by `URL`, may be a name of this server. */
function hostFilter({ HOST, ALLOWED_HOSTS }: Config): (name: string) => boolean {
  if (ALLOWED_HOSTS) {
    if (ALLOWED_HOSTS.includes('*')) return () => true
    const names = new Set(ALLOWED_HOSTS.map(nameOf))
    return (name) => names.has(name)
  }
  const own = nameOf(HOST.includes(':') ? `[${HOST}]` : HOST)
  // On other addresses than loopback, the server cannot know its names.
  return own !== undefined && isLoopback(own) ? isLoopback : () => true
}

/** Scheme, host and port to which a request was sent. */
function targetOf({ headers, socket }: IncomingMessage): URL | null {
  return parseHost(headers.host ?? '', (socket as TLSSocket).encrypted ? 'https' : 'http')
}

/** Finds requests of pages that reach the server under a foreign name, or that POST from a foreign origin. */
export function openSites(config: Config): (request: IncomingMessage) => Problem | undefined {
  const isOwnName = hostFilter(config)
  /** The last `Host` that was allowed. Most requests of a client have the same one. */
  let allowed: string | undefined
  const origins = new Set(config.CORS_ORIGINS ?? [])

  function checkHost({ headers: { host }, socket }: IncomingMessage): Problem | undefined {
    // Browsers always send Host. They cannot connect to a Unix socket, which has no remote address.
    if (host === undefined || host === allowed || socket.remoteAddress === undefined) {
      return undefined
    }
    if (isOwnName(nameOf(host) ?? '')) {
      allowed = host
      return undefined
    }
    const detail = `Host ${quote(host)} is not allowed: add its name to ALLOWED_HOSTS`
    return new Problem('SITE_NOT_ALLOWED', detail)
  }

  function isOwnOrigin(origin: string, request: IncomingMessage): boolean {
    const target = targetOf(request)
    // Behind a proxy that terminates TLS, the scheme differs. Then Sec-Fetch-Site tells whether the origin is the same.
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
