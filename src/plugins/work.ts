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
    /** What answering it comes to, as far as it got. */
    work: Work | undefined
  }
}

/** The phases of a request, in order. */
export const phases = ['decode', 'compute', 'encode'] as const
export type Phase = (typeof phases)[number]

/** A longer answer than this, in bytes, is sent while it is written. */
const LONG = 2 ** 20
/** A piece of it has at least so many bytes, except for the last. */
const PIECE = 2 ** 16

/** At most how many bytes a row takes beside its logits, and parameters with the plan made of them. */
const ROW = 2 ** 10
const PARAMETERS = 3 * 2 ** 11

/** At most how many bytes rows take beside their logits until they are answered. */
function bytesOf(rows: readonly RequestRow[]): number {
  const parameters = new Set(rows.map(({ params }) => params))
  const lists = new Set<ArrayBufferView>()
  for (const { prompt, output } of rows) lists.add(prompt).add(output)
  for (const each of parameters) {
    for (const value of Object.values(each)) if (ArrayBuffer.isView(value)) lists.add(value)
  }
  const fixed = ROW * rows.length + PARAMETERS * parameters.size
  return [...lists].reduce((sum, { byteLength }) => sum + byteLength, fixed)
}

/** Parts of an answer in order, and whether they are its last. */
interface Piece {
  readonly parts: readonly Part[]
  readonly length: number
  readonly isLast: boolean
}

/** A request's place among all others. */
interface Visit {
  readonly admission: Admission
  readonly ticket: Ticket
}

/** What one request comes to, and how long each step takes, with what others do in between. */
export class Work {
  /** The kind of its body: a label of metrics, and what it costs is estimated by. */
  readonly transport: string
  #visit: Visit | undefined
  /** Since when it has the loop for itself. */
  #resumed = 0
  /** Whether a row is sampled in part: another one now would change it. */
  #isInRow = false
  /** In milliseconds. */
  readonly took: Record<Phase, number> = { decode: 0, compute: 0, encode: 0 }
  rows = 0
  tokens = 0
  readonly warnings: string[] = []
  #since = performance.now()
  /** The results of all rows, each counted when it is sampled first. */
  #results: Iterable<RowResult | undefined> = []
  #isChecked = false
  /** How many rows were sampled before the check of the others. */
  #rowsBeforeCheck = 0
  #stream: Readable | undefined

  constructor(transport: string) {
    this.transport = transport
  }

  /** The body is in: from here on the request has a turn to compute, after those before it. */
  async begin(visit: Visit): Promise<void> {
    this.#visit = visit
    await visit.admission.takeTurn(visit.ticket)
    this.#resumed = performance.now()
  }

  /** Takes steps one by one; other requests have their turn in between. */
  async run<Result>(steps: Steps<Result>): Promise<Result> {
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
      if (isTurnSpent()) await this.#pause()
    }
  }

  /** The time since it resumed was its own. */
  #note(): void {
    if (!this.#visit) return
    const { admission, ticket } = this.#visit
    admission.spend(ticket, performance.now() - this.#resumed)
  }

  /** Lets the loop do what else there is, and others that are ready compute where it is their turn. */
  async #pause(): Promise<void> {
    const { admission, ticket } = this.#visit!
    this.#note()
    if (!this.#isInRow && admission.isTurnOver()) {
      admission.giveTurn(ticket)
      await admission.takeTurn(ticket)
    } else await nextTurn()
    // Nobody is there to read what else it would come to.
    if (ticket.state === 'left') throw incomplete()
    this.#resumed = performance.now()
  }

  /** The rows are there, with all that is asked of them. */
  decoded(rows: readonly RequestRow[]): void {
    this.hold(bytesOf(rows))
    const now = performance.now()
    this.took.decode = now - this.#since
    this.#since = now
  }

  /** Some bytes of the answer are there that the client has not taken: values, or what is written. */
  readonly hold: Hold = (bytes) => {
    if (this.#visit) this.#visit.admission.charge(this.#visit.ticket, bytes)
  };

  /** Samples the rows, one at a time as they are asked for. */
  *sample(rows: readonly RequestRow[]): Generator<RowResult | undefined> {
    this.#results = this.#sample(this.#mark(rows), (result) => this.#count(result))
    yield* this.#results
    // The rows that a check has gone through are sampled again, and not counted again.
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

  /** Samples the rows that are not written yet, which throws where one cannot be sampled. */
  *#check(): Steps {
    this.#rowsBeforeCheck = this.rows
    this.#isChecked = true
    for (const _ of this.#results) yield undefined
  }

  /**
   * What Fastify is to send. A long answer is a stream, which is written as fast as the client reads it.
   * Its status is sent first, so rows that are not sampled by then are sampled twice.
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

  /** Calls back when nothing is read of the request any more: now, or when an answer in pieces ends or its client leaves. */
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

  /** The next parts of an answer, until they are longer than `most` bytes. */
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
      admission.giveTurn(ticket)
      yield toBuffer(piece)
      // The stream asks for another piece when the one before this is sent.
      admission.discharge(ticket, unsent)
      unsent = piece.length
      if (piece.isLast) return
      await admission.takeTurn(ticket)
      this.#resumed = performance.now()
      piece = await this.#gather(steps, PIECE)
    }
  }

  /** The answer is written, or the first piece of a long one; a header says what each step took. */
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
 * Waits until a request may come in, and hands its body on as it arrives. After that it is its turn to
 * compute. `open` makes what takes the body: nothing is kept of a request that waits.
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
  // A client that asks before it sends is told when nothing is left that it could have been spared for.
  if (request.headers.expect !== undefined) askForBody(reply.raw)
  const push = open((bytes) => admission.charge(ticket, bytes))
  const take: Push = (piece) => {
    const { length } = piece
    // What was compressed may still come when the client is gone.
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
