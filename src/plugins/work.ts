import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Admission } from '../admission/admission.ts'
import { askForBody } from '../admission/drain.ts'
import type { Ticket } from '../admission/ticket.ts'
import { announcedLength, incomplete, type Push, readBody } from '../protocols/http-body.ts'
import type { Hold, Part, Steps } from '../protocols/steps.ts'
import type { RequestRow } from '../request/request-row.ts'
import { type RowResult, sample } from '../sampling/sample.ts'
import { isTurnSpent, nextTurn } from '../turns.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The work of answering the request: steps, times and counts so far. */
    work: Work | undefined
  }
}

/** The phases of a request, in order. */
export const phases = ['decode', 'compute', 'encode'] as const
export type Phase = (typeof phases)[number]

/** An answer longer than this, in bytes, is sent while it is written. */
const LONG = 2 ** 20
/** Smallest piece of a streamed answer, in bytes, except the last piece. */
const PIECE = 2 ** 16

/** Largest size of a row without its logits, and of a set of parameters with its plan, in bytes. */
const ROW = 2 ** 10
const PARAMETERS = 3 * 2 ** 11

/** Largest number of bytes that rows hold besides their logits until they are answered. */
function bytesOfRows(rows: readonly RequestRow[]): number {
  const parameters = new Set<object>()
  const lists = new Set<unknown>()
  let bytes = ROW * rows.length
  function add(list: unknown): void {
    if (!ArrayBuffer.isView(list) || list.byteLength === 0 || lists.has(list)) return
    lists.add(list)
    bytes += list.byteLength
  }
  for (const { prompt, output, params } of rows) {
    add(prompt)
    add(output)
    if (parameters.has(params)) continue
    parameters.add(params)
    bytes += PARAMETERS
    for (const name in params) add(params[name as keyof typeof params])
  }
  return bytes
}

/** Consecutive parts of an answer. */
interface Piece {
  readonly parts: readonly Part[]
  readonly length: number
  readonly isLast: boolean
}

/** A request in admission control. */
interface Visit {
  readonly admission: Admission
  readonly ticket: Ticket
}

/**
 * Runs the steps of one request and measures them. The times of steps include the slices of other requests in between.
 */
export class Work {
  /** The kind of the body. It is a label of metrics, and the expected cost depends on it. */
  readonly transport: string
  #visit: Visit | undefined
  /** When the request last began to use the event loop. */
  #resumed = 0
  /** Whether a row is half sampled. Then no other request may compute, because all share the memory of the row. */
  #isInRow = false
  /** Duration of each phase, in milliseconds. */
  readonly took: Record<Phase, number> = { decode: 0, compute: 0, encode: 0 }
  rows = 0
  tokens = 0
  readonly warnings: string[] = []
  #since = performance.now()
  /** The results of all rows. Each row is counted once. */
  #results: Iterable<RowResult | undefined> = []
  #isChecked = false
  /** Number of rows that were written before the check of the others. */
  #rowsBeforeCheck = 0
  #stream: Readable | undefined

  constructor(transport: string) {
    this.transport = transport
  }

  /** Waits for the first slice. Call it when the body is complete. */
  async begin(visit: Visit): Promise<void> {
    this.#visit = visit
    await visit.admission.takeSlice(visit.ticket)
    this.#resumed = performance.now()
  }

  /** Runs steps to their end. It pauses between them, so that other requests can compute. */
  async run<Result>(steps: Steps<Result>): Promise<Result> {
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
      if (isTurnSpent()) await this.#pause()
    }
  }

  /** Tells admission control how long the request has used the event loop since its last pause. */
  #note(): void {
    if (!this.#visit) return
    const { admission, ticket } = this.#visit
    admission.spend(ticket, performance.now() - this.#resumed)
  }

  /** Waits for a later turn of the event loop or, if the slice is over, for the next slice. */
  async #pause(): Promise<void> {
    const { admission, ticket } = this.#visit!
    this.#note()
    if (!this.#isInRow && admission.isSliceOver()) {
      admission.endSlice(ticket)
      await admission.takeSlice(ticket)
    } else await nextTurn()
    // The client has gone, so nobody would read the answer.
    if (ticket.state === 'left') throw incomplete()
    this.#resumed = performance.now()
  }

  /** Records that the rows are decoded. */
  decoded(rows: readonly RequestRow[]): void {
    this.hold(bytesOfRows(rows))
    const now = performance.now()
    this.took.decode = now - this.#since
    this.#since = now
  }

  /** Charges bytes that the request holds: values to be written, or parts of the answer that the client has not read. */
  readonly hold: Hold = (bytes) => {
    if (this.#visit) this.#visit.admission.charge(this.#visit.ticket, bytes)
  };

  /** Samples the rows, each when its result is asked for. */
  *sample(rows: readonly RequestRow[]): Generator<RowResult | undefined> {
    this.#results = this.#sample(this.#mark(rows), (result) => this.#count(result))
    yield* this.#results
    // The check sampled the remaining rows and counted them. They are sampled again, and not counted.
    if (this.#isChecked) yield* this.#sample(rows.slice(this.#rowsBeforeCheck), () => {})
  }

  *#mark(rows: readonly RequestRow[]): Generator<RequestRow> {
    for (const row of rows) yield this.#isChecked ? { ...row, isSampledAgain: true } : row
  }

  *#sample(rows: Iterable<RequestRow>, count: (result: RowResult) => void) {
    const results: Iterator<RowResult | undefined> = sample(rows)
    for (;;) {
      const started = performance.now()
      const { done, value } = results.next()
      this.took.compute += performance.now() - started
      if (done) return
      this.#isInRow = value === undefined
      if (value) count(value)
      yield value
    }
  }

  #count({ drawn, warnings }: RowResult): void {
    this.rows++
    this.tokens += drawn?.token_ids.length ?? 0
    for (const { code } of warnings) this.warnings.push(code)
  }

  /** Samples the rows that are not written yet, and drops the results. It throws if a row cannot be sampled. */
  *#check(): Steps {
    this.#rowsBeforeCheck = this.rows
    this.#isChecked = true
    for (const _ of this.#results) yield undefined
  }

  /**
   * The payload for Fastify. A long answer is a stream, written as fast as the client reads it. The status of a
   * stream is sent before most rows are sampled. So these rows are sampled twice: first for a check.
   */
  async answer(reply: FastifyReply, steps: Steps): Promise<string | Buffer | Readable> {
    const head = await this.#gather(steps, LONG)
    if (!head.isLast) await this.run(this.#check())
    this.#encoded(reply)
    if (head.isLast) return join(head)
    const options = { objectMode: false, highWaterMark: PIECE }
    const stream = Readable.from(this.#write(head, steps), options)
    this.#visit!.ticket.cutOff = () => stream.destroy()
    this.#stream = stream
    return stream
  }

  /** Calls `release` when the body is needed no longer: now, or when a streamed answer ends or the client disconnects. */
  whenOver(release: () => void): void {
    const over = () => {
      release()
      this.#visit?.admission.finish(this.#visit.ticket)
    }
    if (this.#stream && !this.#stream.closed) this.#stream.once('close', over)
    else {
      this.#note()
      over()
    }
  }

  /** Collects parts of an answer until they are longer than `most` bytes. */
  async #gather(steps: Steps, most: number): Promise<Piece> {
    const parts: Part[] = []
    let length = 0
    while (length <= most) {
      const { done, value } = steps.next()
      if (done) return { parts, length, isLast: true }
      if (value !== undefined) {
        const bytes = Buffer.byteLength(value)
        parts.push(value)
        length += bytes
        this.hold(bytes)
      }
      if (isTurnSpent()) await this.#pause()
    }
    return { parts, length, isLast: false }
  }

  async *#write(piece: Piece, steps: Steps): AsyncGenerator<Buffer> {
    const { admission, ticket } = this.#visit!
    let unsent = 0
    for (;;) {
      this.#note()
      admission.endSlice(ticket)
      yield toBuffer(piece)
      // The stream asks for another piece when the one before this has been sent.
      admission.discharge(ticket, unsent)
      unsent = piece.length
      if (piece.isLast) return
      await admission.takeSlice(ticket)
      this.#resumed = performance.now()
      piece = await this.#gather(steps, PIECE)
    }
  }

  /** Records that the answer, or the first piece of a stream, is written, and sets `Server-Timing`. */
  #encoded(reply: FastifyReply): void {
    this.took.encode = performance.now() - this.#since - this.took.compute
    const durations = phases.map((phase) => `${phase};dur=${this.took[phase].toFixed(3)}`)
    reply.header('server-timing', durations.join(', '))
  }
}

const isText = (parts: readonly Part[]): parts is readonly string[] =>
  parts.every((part) => typeof part === 'string')

function join(piece: Piece): string | Buffer {
  return isText(piece.parts) ? piece.parts.join('') : toBuffer(piece)
}

function toBuffer({ parts, length }: Piece): Buffer {
  if (isText(parts)) return Buffer.from(parts.join(''))
  const bytes = parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))
  return Buffer.concat(bytes, length)
}

/**
 * Waits until a request is admitted, passes its body to a reader as it arrives, and waits for the first slice.
 * `open` makes the reader. It is called after admission, so a request in the queue has no reader.
 */
export async function takeBody(
  request: FastifyRequest,
  reply: FastifyReply,
  limit: number,
  open: (hold: Hold) => Push,
): Promise<void> {
  const { admission } = request.server
  const work = request.work!
  const ticket = admission.enter(work.transport, announcedLength(request.raw, limit))
  reply.raw.once('close', () => admission.leave(ticket, incomplete))
  const admitted = admission.whenAdmitted(ticket)
  if (admitted) await admitted
  // A client that sent `Expect: 100-continue` sends its body only after this. All checks without the body have passed.
  if (request.headers.expect !== undefined) askForBody(reply.raw)
  const push = open((bytes) => admission.charge(ticket, bytes))
  const take: Push = (piece) => {
    const { length } = piece
    // Decompression may still yield pieces after the client has gone.
    if (ticket.state === 'left') throw incomplete()
    admission.receive(ticket, length)
    const began = performance.now()
    const isDone = push(piece)
    admission.spend(ticket, performance.now() - began)
    return isDone
  }
  await readBody(request.raw, limit, take, {
    rest: () => admission.whenThereIsMemory(ticket) ?? (isTurnSpent() ? nextTurn() : undefined),
    onBegin(end) {
      ticket.refuse = end
    },
  })
  await work.begin({ admission, ticket })
}
