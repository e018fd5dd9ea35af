import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

/** A client's own request id is taken when it can do no harm in a log or a header. */
const SANE_ID = /^[\w.:-]{1,128}$/

export function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID()
}

/** Text from a client is cut to this in a log line. */
const MAX_LOGGED = 200

/** How often refusals are told of, in milliseconds. */
const REFUSALS_EVERY = 1000

/**
 * One line for each request, when it is over; but of those that were refused because there are too many,
 * one line each second. No body is logged, but for the few characters a problem may quote.
 */
export class RequestLog extends LogController {
  #refused = 0

  constructor() {
    super({ requestIdLogLabel: 'request_id' })
  }

  override incomingRequest(): void {}

  override routeNotFound(): void {}

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (reply.problem?.code === 'OVERLOADED') {
      this.#countRefusal(request, reply.problem.message)
      return
    }
    const line = {
      method: request.method,
      url: request.url.slice(0, MAX_LOGGED),
      status: reply.statusCode,
      duration_ms: Math.round(reply.elapsedTime * 1000) / 1000,
      bytes_in: Number(request.headers['content-length'] ?? 0),
      ...(reply.problem && {
        code: reply.problem.code,
        detail: reply.problem.message.slice(0, MAX_LOGGED),
      }),
    }
    if (error) request.log.warn({ ...line, reason: error.message.slice(0, MAX_LOGGED) }, 'aborted')
    else request.log.info(line, 'request')
  }

  #countRefusal({ server }: FastifyRequest, detail: string): void {
    this.#refused++
    if (this.#refused > 1) return
    setTimeout(() => {
      server.log.warn({ refused: this.#refused, detail }, 'overloaded')
      this.#refused = 0
    }, REFUSALS_EVERY).unref()
  }
}
