import type { IncomingMessage } from 'node:http'
import type { Span } from '@opentelemetry/api'

declare module 'fastify' {
  interface FastifyRequest {
    /** The server's span, if the request is traced. */
    span: Span | undefined
  }
}

/** The trace of a request, and the span of its sender (W3C Trace Context). */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}

/** Later versions may have more fields after the flags. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** Parses the `traceparent` header. Returns `undefined` if it is malformed. */
export function traceContextOf({ headers }: IncomingMessage): TraceContext | undefined {
  const { traceparent } = headers
  if (typeof traceparent !== 'string') return undefined
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more)) return undefined
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) }
}
