import { setTimeout } from 'node:timers/promises'
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { traceContextOf } from './trace-context.ts'
import { phases } from './work.ts'

export interface Exported {
  /** URL of a collector for OTLP over HTTP. Spans go to its /v1/traces. */
  endpoint: string
  service: string
  version: string
}

/** Time for the collector to take the last spans at shutdown, in milliseconds. */
const FAREWELL_MS = 2000

/** Sends a span for each request to a collector, with a child span for each phase. This module is loaded only if tracing is on. */
export function registerTracing(app: FastifyInstance, exported: Exported): void {
  const url = `${exported.endpoint.replace(/\/$/, '')}/v1/traces`
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': exported.service,
      'service.version': exported.version,
    }),
    // The sender decides whether its trace is recorded.
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  })
  const tracer = provider.getTracer('kelvin', exported.version)
  app.addHook('onClose', async () => {
    await Promise.race([provider.shutdown(), setTimeout(FAREWELL_MS, undefined, { ref: false })])
  })
  app.decorateRequest('span', undefined)

  app.addHook('onRequest', (request, reply, done) => {
    const { url: route, config } = request.routeOptions
    // Only API routes are traced, not probes, pages and metrics.
    if (config.access) return done()
    const parent = traceContextOf(request.raw)
    const context = parent
      ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, isRemote: true })
      : ROOT_CONTEXT
    const startTime = Date.now()
    const attributes = {
      'http.request.method': request.method,
      'http.route': route ?? '',
      'url.path': request.url.split('?')[0]!.slice(0, 200),
      'url.scheme': request.protocol,
    }
    const options = { kind: SpanKind.SERVER, startTime, attributes }
    const span = tracer.startSpan(`${request.method} ${route ?? ''}`.trim(), options, context)
    request.span = span
    reply.raw.once('close', () => end(span, request, reply, startTime))
    done()
  })

  function end(span: Span, request: FastifyRequest, reply: FastifyReply, startTime: number): void {
    const { work } = request
    span.setAttribute('http.response.status_code', reply.statusCode)
    if (reply.problem) span.setAttribute('error.type', reply.problem.code)
    if (reply.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    if (work && work.rows > 0) {
      const { transport, rows, tokens } = work
      span.setAttributes({
        'kelvin.transport': transport,
        'kelvin.rows': rows,
        'kelvin.tokens': tokens,
      })
      const inside = trace.setSpan(ROOT_CONTEXT, span)
      // Phases alternate row by row. The spans show each phase as if it ran as a whole.
      let from = startTime
      for (const phase of phases) {
        const to = from + work.took[phase]
        tracer.startSpan(phase, { startTime: from }, inside).end(to)
        from = to
      }
    }
    span.end()
  }
}
