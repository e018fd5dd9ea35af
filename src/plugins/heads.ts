import type { IncomingMessage } from 'node:http'
import { describeValue } from '../fields/parsed.ts'

/** Headers of which Node keeps the first line and drops the others. A proxy may use a later line. */
const single = ['host', 'content-type', 'authorization']

/** A name or an address, with an optional port (RFC 3986). */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i

/** The values of all lines of a header. */
function linesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name)
}

/**
 * Finds what is ambiguous in the head of a request. A proxy and this server could see different requests in the same
 * bytes. The HTTP parser itself refuses most such heads.
 */
export function findAmbiguity(request: IncomingMessage): string | undefined {
  const { headers, httpVersion } = request
  const { host, te, 'transfer-encoding': coding } = headers
  for (const name of single) {
    const lines = headers[name] === undefined ? [] : linesOf(request, name)
    if (lines.length > 1 && (name === 'host' || new Set(lines).size > 1)) {
      return `Expected one ${name} header, got ${lines.length}`
    }
  }
  if (host !== undefined && !HOST.test(host)) {
    return `Expected Host to be a name or an address, with an optional port, got ${describeValue(host)}`
  }
  if (coding !== undefined && httpVersion !== '1.1') {
    return `HTTP/${httpVersion} has no Transfer-Encoding: send Content-Length`
  }
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    return `Expected Transfer-Encoding to be chunked, got ${describeValue(coding)}: declare compression in Content-Encoding`
  }
  if (/(?:^|,)\s*chunked\s*(?:[;,]|$)/i.test(te?.toString() ?? '')) {
    return 'TE must not contain chunked: omit it'
  }
  return undefined
}
