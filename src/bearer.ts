import type { IncomingHttpHeaders } from 'node:http'

/** The key that a request sends as `Authorization: Bearer`; undefined if it sends none. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}
