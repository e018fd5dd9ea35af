import type { IncomingMessage } from 'node:http'
import { describeValue } from '../fields/parsed.ts'

/** Node keeps the first line of these and drops the others, which another server may have gone by. */
const single = ['host', 'content-type', 'authorization']

/** A name or an address, and perhaps a port (RFC 3986). */
const HOST = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i

/** The values of all lines of a header. */
function linesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name)
}

/**
 * What is ambiguous in the head of a request, if anything: where two servers in a row could see different
 * requests in the same bytes. Most of that the parser refuses by itself.
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
    return `Expected a name or an address, and perhaps a port, as Host, got ${describeValue(host)}`
  }
  if (coding !== undefined && httpVersion !== '1.1') {
    return `HTTP/${httpVersion} has no Transfer-Encoding: send Content-Length`
  }
  if (coding !== undefined && coding.trim().toLowerCase() !== 'chunked') {
    return `Expected Transfer-Encoding: chunked alone, got ${describeValue(coding)}: a compressed body has a Content-Encoding`
  }
  if (/(?:^|,)\s*chunked\s*(?:[;,]|$)/i.test(te?.toString() ?? '')) {
    return 'TE must not name chunked: leave it out'
  }
  return undefined
}
