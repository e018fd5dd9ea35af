import type { FastifyReply, FastifyRequest } from 'fastify'
import { takeBody, Work } from '../plugins/work.ts'
import { announcedLength } from '../protocols/http-body.ts'
import type { Answer, Asked, Protocol } from '../protocols/protocol.ts'
import { finish, type Steps } from '../protocols/steps.ts'
import type { Operation } from '../request/operations.ts'
import type { Query } from '../request/query.ts'
import type { RowOptions } from '../request/request-row.ts'
import { toRows } from '../request/rows.ts'
import { compress } from './compress.ts'

/** The operation of a route, and its limits. */
export interface Exchange {
  readonly operation: Operation
  readonly options: RowOptions
  /** Largest body, in bytes. */
  readonly limit: number
}

function* answer<Own extends Asked>(
  asked: Own,
  { reportOf, write }: Pick<Protocol<Own>, 'reportOf' | 'write'>,
  { operation, options }: Exchange,
  work: Work,
): Steps<Answer> {
  const rows = yield* toRows(asked.request, operation, options, reportOf(asked))
  work.decoded(rows)
  const written = write(asked, rows, work.sample(rows), work.hold)
  return 'parts' in written ? written : yield* written
}

/** Reads a request in one protocol, samples, and answers in the same or another protocol. */
export async function answerRequest<Own extends Asked>(
  request: FastifyRequest,
  reply: FastifyReply,
  { read }: Pick<Protocol<Own>, 'read'>,
  writer: Pick<Protocol<Own>, 'reportOf' | 'write'>,
  exchange: Exchange,
) {
  const { limit } = exchange
  const { headers, raw } = request
  const length = announcedLength(raw, limit)
  const reading = read({ headers, query: request.query as Query, length, limit })
  const work = new Work(reading.transport)
  request.work = work
  let body: ReturnType<typeof reading.open> | undefined
  try {
    await takeBody(request, reply, limit, (hold) => {
      body = reading.open(hold)
      return body.push
    })
    const answered = await work.run(answer(body!.end(), writer, exchange, work))
    const payload = await work.answer(reply, answered.parts)
    reply.headers(answered.headers)
    const { 'content-encoding': encoding } = answered.headers
    return encoding === undefined ? payload : await compress(payload, String(encoding))
  } finally {
    work.whenOver(() => body?.release())
  }
}

/** Computes the answer to a request at once, without a client. */
export function answerAtOnce<Own extends Asked>(
  bytes: Buffer,
  query: Query,
  protocol: Protocol<Own>,
  exchange: Exchange,
): string {
  const head = { headers: {}, query, length: bytes.length, limit: exchange.limit }
  const body = protocol.read(head).open(() => {})
  body.push(bytes)
  const { result } = finish(answer(body.end(), protocol, exchange, new Work('example')))
  const text = finish(result.parts).parts.map(String).join('')
  body.release()
  return text
}

/** Computes the answer to a JSON request, for the documentation. */
export function answerExample<Own extends Asked>(
  request: object,
  protocol: Protocol<Own>,
  exchange: Exchange,
): unknown {
  const bytes = Buffer.from(JSON.stringify(request))
  return JSON.parse(answerAtOnce(bytes, {}, protocol, exchange))
}
