import { performance } from 'node:perf_hooks'
import type { Config } from '../config.ts'
import type { Problem } from '../errors.ts'
import { isTurnSpent, nextTurn } from '../turns.ts'
import { Costs } from './costs.ts'
import { Line } from './line.ts'
import { type Refusal, refusal, refusals } from './refusals.ts'
import { Speed } from './speed.ts'
import { isSmall, Ticket, TURN } from './ticket.ts'

/** So many are read and computed at a time: enough that the loop has always something to do. */
const ACTIVE = 4
/** Up to so many times the limit of memory, small requests go on where large ones wait. */
const EXCESS = 1.5
/** How often requests that wait are looked at when nothing happens, in milliseconds. */
const LOOK = 2
/** What Node may read of a body that nobody asked for yet, in bytes. */
const READ_AHEAD = 2 ** 16

export type Limits = Pick<
  Config,
  'MAX_BODY_BYTES' | 'MAX_INFLIGHT_BYTES' | 'MAX_QUEUE' | 'MAX_QUEUE_MS'
>

/**
 * Who may come in, and whose turn it is. Requests wait in the order they came in before their bodies are
 * read; then one of those whose bodies are in computes at a time.
 */
export class Admission {
  readonly limits: Limits
  /** How many were refused, by why. */
  readonly refused = new Map<Refusal, number>(refusals.map((reason) => [reason, 0]))
  /** Draining, it takes what comes and says that it would rather have none; closing, it takes none. */
  phase: 'open' | 'draining' | 'closing' = 'open'
  /** What the requests under way take, in bytes. */
  bytes = 0
  readonly #waiting = new Line<Ticket>()
  readonly #admitted = new Line<Ticket>()
  /** Those that wait for a turn to compute; and the one that has it, since when. */
  readonly #ready = new Line<Ticket>()
  /** Those whose bodies wait for memory. */
  readonly #thirsty = new Line<Ticket>()
  /** Where memory is full, the one that goes on all the same until it is over, so that there is no deadlock. */
  #favoured: Ticket | undefined
  #computing: Ticket | undefined
  #turnBegan = 0
  readonly #costs = new Costs()
  /** What those that wait are expected to take, in milliseconds. */
  #aheadOfLast = 0
  /** The same of small requests alone; and whether these pass others, which wait for memory. */
  #aheadOfSmall = 0
  #areHeldUp = false
  readonly #speed = new Speed()
  #isShortening = false
  #isLookDue = false
  #looked = 0
  #idle = 0

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** How many wait for their bodies to be read. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Those that were let in and are not over. */
  get underWay(): Line<Ticket> {
    return this.#admitted
  }

  /** How long a request that came now would wait, in milliseconds: for the work ahead of it, at the speed at which that is done. */
  expectedWait(length?: number): number {
    const passes = this.#areHeldUp && isSmall(length)
    let work = passes ? this.#aheadOfSmall : this.#aheadOfLast
    const now = performance.now()
    for (const ticket of this.#admitted) if (ticket.isActive(now)) work += ticket.ahead
    return work * this.#speed.stretch
  }

  /** The loop was busy with a request for so long, in milliseconds. */
  spend(ticket: Ticket, milliseconds: number): void {
    ticket.spent += milliseconds
    if (this.#computing === undefined) return
    const isNew = this.#speed.note(milliseconds, performance.eventLoopUtilization().active)
    if (this.#waiting.size === 0) this.#speed.reset()
    else if (isNew) {
      this.#estimateAgain()
      if (!this.#isShortening) void this.#shorten()
    }
  }

  /** What those that wait are expected to take, by what requests like them have cost meanwhile. */
  #estimateAgain(): void {
    this.#aheadOfLast = 0
    this.#aheadOfSmall = 0
    for (const ticket of this.#waiting) {
      ticket.expected = this.#costs.of(ticket.kind, ticket.length)
      this.#aheadOfLast += ticket.ahead
      if (isSmall(ticket.length)) this.#aheadOfSmall += ticket.ahead
    }
  }

  /** Refuses the newest of those that wait, while it would wait too long in all and has not waited for most of that. */
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
      // The answers take time, too.
      await (isTurnSpent() ? nextTurn() : undefined)
    }
    this.#isShortening = false
  }

  /** Why a request that came now would be refused, if it would. */
  findRefusal(length?: number): Problem | undefined {
    const { limits } = this
    if (this.phase === 'closing')
      return this.#refuse('shutting_down', 'Cannot take new requests while shutting down')
    if (this.#waiting.size === 0 && !this.#isBusy() && this.#hasMemoryFor(length)) return undefined
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

  /** A place in the queue, or the refusal thrown. Nothing of the body is read before `whenAdmitted`. */
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

  /** Resolves when the body of a request may be read; it may be at once where there is nothing to wait for. */
  whenAdmitted(ticket: Ticket): Promise<void> | undefined {
    this.#admitNext()
    if (ticket.state !== 'waiting') return undefined
    return new Promise((resolve, reject) => {
      ticket.proceed = resolve
      ticket.refuse = reject
    })
  }

  /** Let those in that have waited longest, as far as there is room. Small ones pass those that wait for memory. */
  #admitNext(): void {
    let isAnyHeldUp = false
    for (const ticket of this.#waiting) {
      const isSpent = this.#admitted.size > 0 && isTurnSpent()
      if (isSpent || this.#isBusy()) {
        this.#lookLater(isSpent)
        return
      }
      if (this.#hasMemoryFor(ticket.length)) this.#admit(ticket)
      else isAnyHeldUp = true
    }
    this.#areHeldUp = isAnyHeldUp
    if (isAnyHeldUp) this.#lookLater(false)
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
    // What floating point has left of them.
    this.#aheadOfLast = 0
    this.#aheadOfSmall = 0
  }

  #lookLater(isSoon: boolean): void {
    if (this.#isLookDue) return
    this.#isLookDue = true
    const look = () => {
      this.#isLookDue = false
      this.#computeNext()
      this.#readOn()
      this.#admitNext()
    }
    if (isSoon) void nextTurn().then(look)
    else setTimeout(look, LOOK)
  }

  /** Whether there is enough to do. */
  #isBusy(): boolean {
    const now = performance.now()
    let active = 0
    for (const ticket of this.#admitted) if (ticket.isActive(now)) active++
    return active >= ACTIVE && (this.#computing !== undefined || !this.#wasIdle(now))
  }

  /** Whether there is memory for a body of this length. With nothing under way there always is. */
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

  /** Whether the loop had little to do since the last look: those that are read are slow to come. */
  #wasIdle(now: number): boolean {
    const since = now - this.#looked
    if (since < LOOK) return false
    const { idle } = performance.eventLoopUtilization()
    const wasIdle = idle - this.#idle > since / 2
    this.#looked = now
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

  /** Some of a request's body has come. */
  receive(ticket: Ticket, bytes: number): void {
    ticket.receive(bytes, performance.now())
    this.#hold(ticket, bytes)
  }

  /** Something to wait for before more of a body is read, where there is no memory for it. */
  whenThereIsMemory(ticket: Ticket): Promise<void> | undefined {
    if (ticket.isIn || this.#fits || this.#fitsSmall(ticket.length) || ticket === this.#favoured) {
      return undefined
    }
    this.#thirsty.add(ticket)
    ticket.isHeldUp = true
    ticket.pause(performance.now())
    this.#lookLater(false)
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
   * Whether a request may take more memory. Where there is none, whoever is stuck makes room; with nobody
   * stuck and nothing else to do, one goes on all the same.
   */
  #mayTakeMore(ticket: Ticket, now: number): boolean {
    if (this.#fits || this.#fitsSmall(ticket.length) || ticket === this.#favoured) return true
    if (this.#computing || this.#isAnyReading(now) || this.#endStuck(now) || this.#favoured) {
      return false
    }
    this.#favoured = ticket
    return true
  }

  /** Goes on reading bodies that wait for memory. Small ones pass large ones. */
  #readOn(): void {
    const now = performance.now()
    let isAnyHeldUp = false
    for (const ticket of this.#thirsty) {
      const isNext = !isAnyHeldUp || this.#fitsSmall(ticket.length)
      if (!isNext || !this.#mayTakeMore(ticket, now)) {
        isAnyHeldUp = true
        continue
      }
      this.#thirsty.delete(ticket)
      ticket.isHeldUp = false
      ticket.progressed = now
      ticket.resume(now)
      ticket.proceed!()
    }
    if (this.#thirsty.size > 0) this.#lookLater(false)
  }

  #isAnyReading(now: number): boolean {
    for (const ticket of this.#admitted) {
      const isReading = ticket.state === 'reading' && !ticket.isHeldUp
      if (isReading && ticket.isActive(now)) return true
    }
    return false
  }

  /** Ends the request that takes most memory of those whose clients are too slow for what they hold, if there is one. */
  #endStuck(now: number): boolean {
    let stuck: Ticket | undefined
    for (const ticket of this.#admitted) {
      if (ticket.isStuck(now) && ticket.held > (stuck?.held ?? 0)) stuck = ticket
    }
    if (stuck?.state !== 'reading') stuck?.cutOff?.()
    else if (stuck.refuse) {
      const { refuse } = stuck
      // It stays until its answer is sent, and is refused once.
      stuck.refuse = undefined
      const detail = `The requests under way take more than ${this.limits.MAX_INFLIGHT_BYTES} bytes (MAX_INFLIGHT_BYTES), and this one makes no progress`
      refuse(this.#refuse('bytes', detail))
    }
    return stuck !== undefined
  }

  /** What a request takes beside its body, such as what was written of its answer and is not read yet, in bytes. */
  charge(ticket: Ticket, bytes: number): void {
    if (ticket.state === 'left') return
    this.#hold(ticket, bytes)
  }

  /** The client has read some of what is charged. */
  discharge(ticket: Ticket, bytes: number): void {
    this.charge(ticket, -bytes)
    ticket.move(bytes, performance.now())
  }

  /** The turn of a request whose body is in: something to wait for where another one computes, or there is no memory. */
  takeTurn(ticket: Ticket): Promise<void> | undefined {
    ticket.state = 'ready'
    ticket.pause(performance.now())
    if (this.#computing === undefined && this.#mayTakeMore(ticket, performance.now())) {
      this.#begin(ticket)
      return undefined
    }
    this.#ready.add(ticket)
    if (this.#computing === undefined) this.#lookLater(false)
    return new Promise((resolve, reject) => {
      ticket.proceed = resolve
      ticket.refuse = reject
    })
  }

  #begin(ticket: Ticket): void {
    this.#computing = ticket
    this.#turnBegan = performance.now()
    this.#speed.begin(performance.eventLoopUtilization().active)
  }

  /** Whether others are ready, and have waited for this one long enough. */
  isTurnOver(): boolean {
    return this.#ready.size > 0 && performance.now() - this.#turnBegan > TURN
  }

  /** A request has nothing to compute for now: its answer is read, or it is others' turn. */
  giveTurn(ticket: Ticket): void {
    if (this.#computing !== ticket) return
    const now = performance.now()
    if (ticket.state === 'ready') ticket.state = 'writing'
    ticket.progressed = now
    ticket.resume(now)
    this.#computing = undefined
    this.#computeNext()
  }

  /** The turn of the one that has waited longest for it, or of the one that goes on without memory. */
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
    this.#lookLater(false)
  }

  /** A request is done, except that what is left of its answer, at most a mebibyte, may still have to be read. */
  finish(ticket: Ticket): void {
    this.#free(ticket)
    this.#costs.note(ticket.kind, ticket.length, ticket.spent)
    this.giveTurn(ticket)
    this.#admitNext()
  }

  /** A request is over, or its client has gone. `tell` makes the reason for what still waits. */
  leave(ticket: Ticket, tell: () => Error): void {
    const isWaiting = ticket.state === 'waiting'
    if (isWaiting) this.#unqueue(ticket)
    ticket.state = 'left'
    if (this.#ready.delete(ticket) || isWaiting) ticket.refuse?.(tell())
    this.#thirsty.delete(ticket)
    this.#admitted.delete(ticket)
    if (this.#favoured === ticket) this.#favoured = undefined
    this.#free(ticket)
    this.giveTurn(ticket)
    this.#computeNext()
    this.#readOn()
    this.#admitNext()
  }
}
