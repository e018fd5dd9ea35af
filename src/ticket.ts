import type { IncomingHttpHeaders } from 'node:http'
import { digest } from './bearer.ts'

/** A cookie that stands for a key, so that a browser can open pages. It does not contain the key. */
export const TICKET = 'kelvin_pages'

/** The ticket of a key, from the key or from its digest. */
export function makeTicket(key: string | Buffer): string {
  const own = typeof key === 'string' ? digest(key) : key
  return digest(`pages ${own.toString('hex')}`).toString('base64url')
}

/** The ticket that a request sends; undefined if it sends none. */
export function ticketOf({ cookie }: IncomingHttpHeaders): string | undefined {
  return new RegExp(`(?:^|;\\s*)${TICKET}=([\\w-]+)`).exec(cookie ?? '')?.[1]
}
