import type { IncomingMessage } from 'node:http'
import type { Span } from '@opentelemetry/api'

declare module 'fastify' {
  interface FastifyRequest {
    /** This server's own part of the trace, where one is kept. */
    span: Span | undefined
  }
}

/** The trace that a request is part of, and the span of its sender there (W3C Trace Context). */
export interface TraceContext {
  readonly traceId: string
  readonly spanId: string
  readonly traceFlags: number
}

/** Later versions may say more behind the flags. */
const TRACEPARENT = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/

/** What the header says; nothing where it is not well-formed. */
export function traceContextOf({ headers }: IncomingMessage): TraceContext | undefined {
  const { traceparent } = headers
  if (typeof traceparent !== 'string') return undefined
  const [, version, traceId, spanId, flags, more] = TRACEPARENT.exec(traceparent) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && more)) return undefined
  if (/^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) }
}
