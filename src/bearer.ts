import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** The key that a request sends as `Authorization: Bearer`; undefined if it sends none. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}

/** The digest of a key. Digests have one length, so a comparison takes the same time for all keys. */
export const digest = (key: string): Buffer => createHash('sha256').update(key).digest()
