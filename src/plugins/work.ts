import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Ticket } from '../admission/admission.ts'
import { askForBody } from '../admission/drain.ts'
import { announcedLength, incomplete, type Push, readBody } from '../protocols/body.ts'
import type { DecodedRow } from '../protocols/rows.ts'
import { type RowResult, sample } from '../sampling/pipeline.ts'

/** How logits come in: as JSON or bytes of /v1, as JSON or with binary tensors of the Open Inference Protocol. */
export const transports = ['json', 'octets', 'infer_json', 'infer_binary'] as const
export type Transport = (typeof transports)[number]

declare module 'fastify' {
  interface FastifyRequest {
    /** What answering it comes to, as far as it got. */
    work: Work | undefined
  }
}

/** The steps from request to answer, in order. */
export const steps = ['decode', 'compute', 'encode'] as const
export type Step = (typeof steps)[number]

/** What one request comes to, and how long each step takes, with what others do in between. */
export class Work {
  readonly transport: Transport
  ticket: Ticket | undefined
  /** In milliseconds. */
  readonly took: Record<Step, number> = { decode: 0, compute: 0, encode: 0 }
  rows = 0
  tokens = 0
  readonly warnings: string[] = []
  #since = performance.now()

  constructor(transport: Transport) {
    this.transport = transport
  }

  /** The rows are there, with all that is asked of them. */
  decoded(): void {
    const now = performance.now()
    this.took.decode = now - this.#since
    this.#since = now
  }

  /** Samples the rows, one at a time as they are asked for. */
  *sample(rows: readonly DecodedRow[]): Generator<RowResult> {
    const results = sample(rows)
    for (;;) {
      const started = performance.now()
      const { done, value } = results.next()
      this.took.compute += performance.now() - started
      if (this.ticket) this.ticket.spent += performance.now() - started
      if (done) return
      this.rows++
      this.tokens += value.drawn?.token_ids.length ?? 0
      for (const { code } of value.warnings) this.warnings.push(code)
      yield value
    }
  }

  /** The answer is written; what it took goes with it, for whoever looks. */
  encoded(reply: FastifyReply): void {
    this.took.encode = performance.now() - this.#since - this.took.compute
    const durations = steps.map((step) => `${step};dur=${this.took[step].toFixed(3)}`)
    reply.header('server-timing', durations.join(', '))
  }
}

/**
 * Waits until a request may come in, and hands its body on as it arrives. When that is done, it is its turn
 * to compute. `open` makes what takes the body: nothing is kept of a request that waits.
 */
export async function takeBody(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
  open: () => Push,
): Promise<void> {
  const { admission } = request.server
  const { work } = request as { work: Work }
  const length = announcedLength(request.raw, limit)
  const ticket = admission.enter(work.transport, length)
  work.ticket = ticket
  reply.raw.once('close', () => admission.leave(ticket, incomplete()))
  const admitted = admission.whenAdmitted(ticket)
  if (admitted) await admitted
  // A client that asks before it sends is told when nothing is left that it could have been spared for.
  if (request.headers.expect !== undefined) askForBody(reply.raw)
  const push = open()
  await readBody(
    request.raw,
    limit,
    (piece) => {
      const { length } = piece
      admission.receive(ticket, length)
      const began = performance.now()
      const isDone = push(piece)
      ticket.spent += performance.now() - began
      return isDone
    },
    (end) => {
      ticket.refuse = end
    },
  )
  const turn = admission.takeTurn(ticket)
  if (turn) await turn
}
