import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { traceContextOf } from './trace-context.ts'

/** A client's own request id is used if it has this form, because it can then do no harm in a log or a header. */
const SANE_ID = /^[\w.:-]{1,128}$/

export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
}

/** Text from a client is cut to this in a log line. */
const MAX_LOGGED = 200

/** Turns off Fastify's own log lines. The one line of each request says the same, or they are not worth a line. */
export class RequestLog extends LogController {
  constructor() {
    super({ requestIdLogLabel: 'request_id' })
  }

  override incomingRequest(): void {}

  override routeNotFound(): void {}

  override requestCompleted(): void {}

  override streamError(error: Error & { code?: string }, request: FastifyRequest): void {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE')
      request.log.warn({ err: error }, 'answer broken off')
  }
}

/** The trace of a request, with the server's span if there is one, otherwise with the caller's. */
function traceOf({ raw, span }: FastifyRequest) {
  const context = span?.spanContext() ?? traceContextOf(raw)
  return context && { trace_id: context.traceId, span_id: context.spanId }
}

/** A URL without its query and fragment, which may have token ids. */
function pathOf(url: string): string {
  const query = url.indexOf('?')
  const path = query < 0 ? url : url.slice(0, query)
  const fragment = path.indexOf('#')
  return fragment < 0 ? path : path.slice(0, fragment)
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  const line = {
    method: request.method,
    url: pathOf(request.url).slice(0, MAX_LOGGED),
    // Omit the status if no head was sent, because then there was no answer.
    ...(reply.raw.headersSent && { status: reply.statusCode }),
    duration_ms: Math.round(reply.elapsedTime * 1000) / 1000,
    bytes_in: Number(request.headers['content-length'] ?? 0),
    ...traceOf(request),
    ...(reply.problem && {
      code: reply.problem.code,
      detail: reply.problem.message.slice(0, MAX_LOGGED),
    }),
  }
  // If the answer is not finished, the client has got only a part of it, or nothing.
  if (reply.raw.writableFinished) request.log.info(line, 'request')
  else request.log.warn(line, 'aborted')
}

export function logWhenOver(request: FastifyRequest, reply: FastifyReply): void {
  reply.raw.once('close', () => logRequest(request, reply))
}

/** One line for each request, when it is over. No body is logged, except the few characters that a problem may quote. */
export function registerRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    logWhenOver(request, reply)
    done()
  })
}
