import { performance } from 'node:perf_hooks'
import type { Config } from '../config.ts'
import type { Problem } from '../errors.ts'
import { isTurnSpent, nextTurn } from '../turns.ts'
import { Costs } from './costs.ts'
import { Line } from './line.ts'
import { type Refusal, refusal, refusals } from './refusals.ts'
import { Speed } from './speed.ts'
import { isSmall, SLICE, Ticket } from './ticket.ts'

/** Number of requests that are read or computed at a time. It is large enough to keep the event loop busy. */
const ACTIVE = 4
/**
 * Bytes of all bodies that are read or computed at a time, except that a single one may be longer. Bytes of more bodies
 * would leave the processor cache, and not fit into the arena of the kernel, before they are sampled.
 */
const ACTIVE_BYTES = 2 ** 24
/** Large requests wait for memory at `MAX_INFLIGHT_BYTES`; small ones only at this multiple of it. */
const EXCESS = 1.5
/** Time until waiting requests are checked again if no event does so earlier, in milliseconds. */
const CHECK_INTERVAL = 2
/** Bytes of a body that Node may read before the body is asked for. */
const READ_AHEAD = 2 ** 16

/** Total time that the event loop was busy, in milliseconds. */
const busyTime = () => performance.eventLoopUtilization().active

export type Limits = Pick<
  Config,
  'MAX_BODY_BYTES' | 'MAX_INFLIGHT_BYTES' | 'MAX_QUEUE' | 'MAX_QUEUE_MS'
>

/**
 * Decides which requests are admitted, and which request computes. Requests wait in a queue, in the order in
 * which they arrive, until their bodies may be read. Of the requests with complete bodies, one computes at a time.
 */
export class Admission {
  readonly limits: Limits
  /** Number of refused requests by reason. */
  readonly refused = new Map<Refusal, number>(refusals.map((reason) => [reason, 0]))
  /** `draining` still admits requests, but tells clients to connect elsewhere; `closing` refuses all. */
  phase: 'open' | 'draining' | 'closing' = 'open'
  /** Bytes that all requests together hold. */
  bytes = 0
  readonly #waiting = new Line<Ticket>()
  readonly #admitted = new Line<Ticket>()
  /** Requests that wait for a slice. */
  readonly #ready = new Line<Ticket>()
  /** Requests whose bodies are not read further until there is memory. */
  readonly #lackingMemory = new Line<Ticket>()
  /** The one request that may exceed the memory limit until it ends. It prevents a deadlock. */
  #exempt: Ticket | undefined
  /** The request that has the slice. */
  #computing: Ticket | undefined
  #sliceBegan = 0
  readonly #costs = new Costs()
  /** Expected work of the requests in the queue, in milliseconds. */
  #aheadOfLast = 0
  /** Expected work of the small requests in the queue. */
  #aheadOfSmall = 0
  /** Whether small requests pass large ones, because those wait for memory. */
  #doSmallPass = false
  readonly #speed = new Speed()
  #isShortening = false
  #isCheckDue = false
  #checkedAt = 0
  #idle = 0

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** Length of the queue. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Requests that are admitted and not yet over. */
  get underWay(): Line<Ticket> {
    return this.#admitted
  }

  /** Expected wait of a request that arrives now, in milliseconds: the work ahead of it, at the measured speed. */
  expectedWait(length?: number): number {
    const passes = this.#doSmallPass && isSmall(length)
    let work = passes ? this.#aheadOfSmall : this.#aheadOfLast
    const now = performance.now()
    for (const ticket of this.#admitted) if (ticket.isActive(now)) work += ticket.ahead
    return work * this.#speed.stretch
  }

  /** Records time that the event loop spent on a request, in milliseconds. */
  spend(ticket: Ticket, milliseconds: number): void {
    ticket.spent += milliseconds
    if (this.#waiting.size === 0) this.#speed.reset()
    else if (this.#computing && this.#speed.note(milliseconds, busyTime())) {
      this.#estimateAgain()
      if (!this.#isShortening) void this.#shorten()
    }
  }

  /** Estimates the work of the queue again, from the costs known by now. */
  #estimateAgain(): void {
    this.#aheadOfLast = 0
    this.#aheadOfSmall = 0
    for (const ticket of this.#waiting) {
      ticket.expected = this.#costs.of(ticket.kind, ticket.length)
      this.#aheadOfLast += ticket.ahead
      if (isSmall(ticket.length)) this.#aheadOfSmall += ticket.ahead
    }
  }

  /**
   * Refuses requests from the end of the queue until the last one is expected to wait no longer than the limit in
   * all. It stops at a request that has already waited for half of the limit.
   */
  async #shorten(): Promise<void> {
    this.#isShortening = true
    for (;;) {
      const newest = this.#waiting.last
      if (!newest) break
      const wait = this.expectedWait(newest.length) - newest.ahead * this.#speed.stretch
      const waited = performance.now() - newest.entered
      const { MAX_QUEUE_MS: most } = this.limits
      if (waited + wait <= most || waited > most / 2) break
      this.#unqueue(newest)
      this.#refuseWaiting(newest, 'wait', this.#describe(wait))
      // Each refusal sends an answer, which takes time.
      await (isTurnSpent() ? nextTurn() : undefined)
    }
    this.#isShortening = false
  }

  /** The problem with which a request that arrives now must be refused, if any. The refusal is counted. */
  findRefusal(length?: number): Problem | undefined {
    const { limits } = this
    if (this.phase === 'closing')
      return this.#refuse('shutting_down', 'Cannot take new requests while shutting down')
    if (this.#waiting.size === 0 && !this.#isBusy(length) && this.#hasMemoryFor(length))
      return undefined
    if (this.#waiting.size >= limits.MAX_QUEUE) {
      return this.#refuse(
        'queue',
        `${this.#waiting.size} requests wait, and the limit is ${limits.MAX_QUEUE} (MAX_QUEUE)`,
      )
    }
    const wait = this.expectedWait(length)
    if (wait > limits.MAX_QUEUE_MS) {
      return this.#refuse('wait', this.#describe(wait))
    }
    return undefined
  }

  #describe(wait: number): string {
    return `The work ahead takes ${Math.round(wait)} ms, and the limit is ${this.limits.MAX_QUEUE_MS} ms (MAX_QUEUE_MS)`
  }

  #refuse(reason: Refusal, detail: string): Problem {
    this.refused.set(reason, this.refused.get(reason)! + 1)
    return refusal(reason, detail, this.expectedWait())
  }

  /** Puts a request into the queue, or throws its refusal. Read no body before `whenAdmitted` resolves. */
  enter(kind: string, length: number | undefined): Ticket {
    const problem = this.findRefusal(length)
    if (problem) throw problem
    const ticket = new Ticket(kind, length, this.#costs.of(kind, length))
    this.#hold(ticket, Math.min(length ?? READ_AHEAD, READ_AHEAD))
    this.#waiting.add(ticket)
    this.#aheadOfLast += ticket.ahead
    if (isSmall(ticket.length)) this.#aheadOfSmall += ticket.ahead
    return ticket
  }

  /** Resolves when the body of a request may be read, and rejects if the request is refused. `undefined`: read it at once. */
  whenAdmitted(ticket: Ticket): Promise<void> | undefined {
    this.#admitNext()
    if (ticket.state !== 'waiting') return undefined
    return new Promise((resolve, reject) => {
      ticket.proceed = resolve
      ticket.refuse = reject
    })
  }

  /** Admits requests, oldest first, while there is room. Small requests pass large ones that wait for memory. */
  #admitNext(): void {
    let isAnyLacking = false
    for (const ticket of this.#waiting) {
      const isSpent = this.#admitted.size > 0 && isTurnSpent()
      if (isSpent || this.#isBusy(ticket.length)) {
        this.#checkLater(isSpent)
        return
      }
      if (this.#hasMemoryFor(ticket.length)) this.#admit(ticket)
      else isAnyLacking = true
    }
    this.#doSmallPass = isAnyLacking
    if (isAnyLacking) this.#checkLater(false)
  }

  #admit(ticket: Ticket): void {
    const now = performance.now()
    const waited = now - ticket.entered
    this.#unqueue(ticket)
    if (waited > 2 * this.limits.MAX_QUEUE_MS) {
      const detail = `The request waited ${Math.round(waited)} ms, more than twice ${this.limits.MAX_QUEUE_MS} ms (MAX_QUEUE_MS)`
      this.#refuseWaiting(ticket, 'late', detail)
      return
    }
    ticket.state = 'reading'
    ticket.began = now
    ticket.progressed = now
    ticket.resume(now)
    this.#free(ticket)
    this.#admitted.add(ticket)
    ticket.proceed?.()
  }

  #refuseWaiting(ticket: Ticket, reason: Refusal, detail: string): void {
    this.#free(ticket)
    ticket.state = 'left'
    ticket.refuse?.(this.#refuse(reason, detail))
  }

  #unqueue(ticket: Ticket): void {
    this.#waiting.delete(ticket)
    this.#aheadOfLast -= ticket.ahead
    if (isSmall(ticket.length)) this.#aheadOfSmall -= ticket.ahead
    if (this.#waiting.size > 0) return
    // Drops the rounding errors of the sums.
    this.#aheadOfLast = 0
    this.#aheadOfSmall = 0
  }

  #checkLater(isNextTurn: boolean): void {
    if (this.#isCheckDue) return
    this.#isCheckDue = true
    const check = () => {
      this.#isCheckDue = false
      this.#computeNext()
      this.#readOn()
      this.#admitNext()
    }
    if (isNextTurn) void nextTurn().then(check)
    else setTimeout(check, CHECK_INTERVAL)
  }

  /** Whether enough requests are being read or computed, so that one with a body of this length must wait. */
  #isBusy(length = 0): boolean {
    const now = performance.now()
    let active = 0
    let bytes = length
    for (const ticket of this.#admitted) {
      if (!ticket.isActive(now)) continue
      active++
      bytes += ticket.length ?? 0
    }
    const isEnough = active >= ACTIVE || (active > 0 && bytes > ACTIVE_BYTES)
    return isEnough && (this.#computing !== undefined || !this.#wasIdle(now))
  }

  /** Whether there is memory for a body of this length. Always true when no request is under way. */
  #hasMemoryFor(length: number | undefined): boolean {
    if (this.#admitted.size === 0 || this.#fitsSmall(length)) return true
    const now = performance.now()
    let isAnyActive = false
    let missing = 0
    for (const ticket of this.#admitted) {
      if (!ticket.isActive(now)) continue
      isAnyActive = true
      missing += ticket.missing
    }
    if (!isAnyActive) {
      if (!this.#fits) this.#endStuck(now)
      return this.#fits
    }
    const wanted = Math.min(length ?? 0, this.limits.MAX_BODY_BYTES)
    return this.bytes + missing + wanted <= this.limits.MAX_INFLIGHT_BYTES
  }

  /** Whether the event loop was mostly idle since the last check. Then the bodies being read come slowly. */
  #wasIdle(now: number): boolean {
    const since = now - this.#checkedAt
    if (since < CHECK_INTERVAL) return false
    const { idleTime: idle } = performance.nodeTiming
    const wasIdle = idle - this.#idle > since / 2
    this.#checkedAt = now
    this.#idle = idle
    return wasIdle
  }

  #hold(ticket: Ticket, bytes: number): void {
    this.bytes += bytes
    ticket.held += bytes
  }

  #free(ticket: Ticket): void {
    this.bytes -= ticket.held
    ticket.held = 0
  }

  /** Records bytes of a body that arrived. */
  receive(ticket: Ticket, bytes: number): void {
    ticket.receive(bytes, performance.now())
    this.#hold(ticket, bytes)
  }

  /** Resolves when there is memory to read more of a body. `undefined`: read on at once. */
  whenThereIsMemory(ticket: Ticket): Promise<void> | undefined {
    if (
      ticket.isComplete ||
      this.#fits ||
      this.#fitsSmall(ticket.length) ||
      ticket === this.#exempt
    ) {
      return undefined
    }
    this.#lackingMemory.add(ticket)
    ticket.lacksMemory = true
    ticket.pause(performance.now())
    this.#checkLater(false)
    return new Promise((resolve) => {
      ticket.proceed = resolve
    })
  }

  get #fits(): boolean {
    return this.bytes <= this.limits.MAX_INFLIGHT_BYTES
  }

  /** Whether a body of this length is small, and there is memory for small ones. */
  #fitsSmall(length: number | undefined): boolean {
    return isSmall(length) && this.bytes <= EXCESS * this.limits.MAX_INFLIGHT_BYTES
  }

  /**
   * Whether a request may take more memory. If memory is full, a stuck request is ended to make room. If none is
   * stuck and no request can go on, this one becomes exempt from the limit.
   */
  #mayTakeMore(ticket: Ticket, now: number): boolean {
    if (this.#fits || this.#fitsSmall(ticket.length) || ticket === this.#exempt) return true
    if (this.#computing || this.#isAnyReading(now) || this.#endStuck(now) || this.#exempt) {
      return false
    }
    this.#exempt = ticket
    return true
  }

  /** Resumes bodies that wait for memory, oldest first. Small bodies pass large ones. */
  #readOn(): void {
    const now = performance.now()
    let isAnyLacking = false
    for (const ticket of this.#lackingMemory) {
      const isNext = !isAnyLacking || this.#fitsSmall(ticket.length)
      if (!isNext || !this.#mayTakeMore(ticket, now)) {
        isAnyLacking = true
        continue
      }
      this.#lackingMemory.delete(ticket)
      ticket.lacksMemory = false
      ticket.progressed = now
      ticket.resume(now)
      ticket.proceed!()
    }
    if (this.#lackingMemory.size > 0) this.#checkLater(false)
  }

  #isAnyReading(now: number): boolean {
    for (const ticket of this.#admitted) {
      const isReading = ticket.state === 'reading' && !ticket.lacksMemory
      if (isReading && ticket.isActive(now)) return true
    }
    return false
  }

  /** Ends the stuck request that holds most memory, if there is one. Returns whether there is one. */
  #endStuck(now: number): boolean {
    let stuck: Ticket | undefined
    for (const ticket of this.#admitted) {
      if (ticket.isStuck(now) && ticket.held > (stuck?.held ?? 0)) stuck = ticket
    }
    if (stuck?.state !== 'reading') stuck?.cutOff?.()
    else if (stuck.refuse) {
      const { refuse } = stuck
      // The request stays admitted until its answer is sent. Without `refuse`, it cannot be refused twice.
      stuck.refuse = undefined
      const detail = `The requests under way take more than ${this.limits.MAX_INFLIGHT_BYTES} bytes (MAX_INFLIGHT_BYTES), and this one makes no progress`
      refuse(this.#refuse('bytes', detail))
    }
    return stuck !== undefined
  }

  /** Records bytes that a request holds besides its body, such as parts of its answer that the client has not read. */
  charge(ticket: Ticket, bytes: number): void {
    if (ticket.state === 'left') return
    this.#hold(ticket, bytes)
  }

  /** Records that the client has read some of the charged bytes. */
  discharge(ticket: Ticket, bytes: number): void {
    this.charge(ticket, -bytes)
    ticket.move(bytes, performance.now())
  }

  /**
   * Asks for a slice, for a request whose body is complete. Resolves when the slice begins; `undefined`: it has
   * begun. The request waits while another one computes, or while there is no memory.
   */
  takeSlice(ticket: Ticket): Promise<void> | undefined {
    ticket.state = 'ready'
    ticket.pause(performance.now())
    if (this.#computing === undefined && this.#mayTakeMore(ticket, performance.now())) {
      this.#begin(ticket)
      return undefined
    }
    this.#ready.add(ticket)
    if (this.#computing === undefined) this.#checkLater(false)
    return new Promise((resolve, reject) => {
      ticket.proceed = resolve
      ticket.refuse = reject
    })
  }

  #begin(ticket: Ticket): void {
    this.#computing = ticket
    this.#sliceBegan = performance.now()
    if (this.#waiting.size > 0) this.#speed.begin(busyTime())
  }

  /** Whether the slice has lasted long enough, and another request waits for one. */
  isSliceOver(): boolean {
    return this.#ready.size > 0 && performance.now() - this.#sliceBegan > SLICE
  }

  /** Ends the slice of a request, because others wait for one or because the client must read first. */
  endSlice(ticket: Ticket): void {
    if (this.#computing !== ticket) return
    const now = performance.now()
    if (ticket.state === 'ready') ticket.state = 'writing'
    ticket.progressed = now
    ticket.resume(now)
    this.#computing = undefined
    this.#computeNext()
  }

  /** Gives a slice to the request that has waited longest for one and may take memory. */
  #computeNext(): void {
    if (this.#computing || this.#ready.size === 0) return
    const now = performance.now()
    for (const ticket of this.#ready) {
      if (!this.#mayTakeMore(ticket, now)) continue
      this.#ready.delete(ticket)
      this.#begin(ticket)
      ticket.proceed!()
      return
    }
    this.#checkLater(false)
  }

  /** A request has computed its answer. The client may still have to read the last of it, at most 1 MiB. */
  finish(ticket: Ticket): void {
    this.#free(ticket)
    this.#costs.note(ticket.kind, ticket.length, ticket.spent)
    this.endSlice(ticket)
    this.#admitNext()
  }

  /** A request is over, or its client has gone. If something still waits for the request, it is rejected with `tell()`. */
  leave(ticket: Ticket, tell: () => Error): void {
    const isWaiting = ticket.state === 'waiting'
    if (isWaiting) this.#unqueue(ticket)
    ticket.state = 'left'
    if (this.#ready.delete(ticket) || isWaiting) ticket.refuse?.(tell())
    this.#lackingMemory.delete(ticket)
    this.#admitted.delete(ticket)
    if (this.#exempt === ticket) this.#exempt = undefined
    this.#free(ticket)
    this.endSlice(ticket)
    this.#computeNext()
    this.#readOn()
    this.#admitNext()
  }
}
