import type { IncomingMessage } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { type EventLoop, watchEventLoop } from './event-loop.ts'

/** Which limit a request was refused by, or that there will be no more. */
export const refusals = [
  'bytes',
  'requests',
  'saturation',
  'event_loop_delay',
  'shutting_down',
] as const
export type Refusal = (typeof refusals)[number]

/**
 * A burst may take as long as there was a pause before it, in milliseconds up to this. Where there was none,
 * there is no burst, but more than can be done.
 */
const LONGEST_BURST = 50

/** How much the newest request counts beside those before it in what a request costs. */
const WEIGHT = 0.1
/** A request counts for at most so many of those before it: the first of a process take far longer than the rest. */
const OUTLIER = 4

/** For how long the loop has been busy, and for how long not, since the process began, in milliseconds. */
const loopTime = () => performance.eventLoopUtilization()

export type Limits = Pick<
  Config,
  | 'MAX_BODY_BYTES'
  | 'MAX_INFLIGHT_BYTES'
  | 'MAX_INFLIGHT_REQUESTS'
  | 'MAX_SUSTAINED_REQUESTS'
  | 'MAX_EVENT_LOOP_DELAY_MS'
>

/** What is under way, and what of it there may be. */
export interface Admission {
  readonly limits: Limits
  readonly loop: EventLoop
  requests: number
  bytes: number
  /** How many were refused, by why. */
  readonly refused: Map<Refusal, number>
  /** What a request has kept the loop busy for, of late, in milliseconds. */
  cost: number
  /** How long the loop had been busy when the last request ended, or the first of several began. */
  active: number
  /** How long a burst may take now. */
  burst: number
  /** How long the loop had not been busy when that was reckoned. */
  idle: number
  /** Draining, it takes what comes and says that it would rather have none; closing, it takes none. */
  phase: 'open' | 'draining' | 'closing'
}

export function openAdmission(limits: Limits): Admission {
  return {
    limits,
    loop: watchEventLoop(),
    requests: 0,
    bytes: 0,
    refused: new Map(refusals.map((reason) => [reason, 0])),
    cost: 1,
    active: 0,
    burst: LONGEST_BURST,
    idle: 0,
    phase: 'open',
  }
}

const claims = new WeakMap<IncomingMessage, Claim>()

/** The bytes of one request's body, first those announced, then those that come beyond them. */
class Claim {
  readonly #admission: Admission
  #held: number
  #received = 0

  constructor(admission: Admission, announced: number) {
    this.#admission = admission
    this.#held = announced
    // What there was to do while there were no requests was not theirs.
    if (admission.requests === 0) admission.active = loopTime().active
    admission.requests++
    admission.bytes += announced
  }

  receive(bytes: number): void {
    this.#received += bytes
    const more = this.#received - this.#held
    if (more <= 0) return
    const admission = this.#admission
    const isAlone = admission.requests === 1
    if (!isAlone && admission.bytes + more > admission.limits.MAX_INFLIGHT_BYTES) {
      throw refuse(admission, 'bytes')
    }
    this.#held += more
    admission.bytes += more
  }

  release(): void {
    const admission = this.#admission
    admission.requests--
    admission.bytes -= this.#held
    const { active } = loopTime()
    const cost = Math.min(active - admission.active, OUTLIER * admission.cost)
    admission.cost += WEIGHT * (cost - admission.cost)
    admission.active = active
  }
}

function refuse({ refused, limits }: Admission, reason: Refusal): Problem {
  refused.set(reason, refused.get(reason)! + 1)
  if (reason === 'shutting_down') {
    return new Problem('SHUTTING_DOWN', 'Cannot take new requests while shutting down')
  }
  const details = {
    bytes: `The bodies under way take more than ${limits.MAX_INFLIGHT_BYTES} bytes with this one`,
    requests: `There are ${limits.MAX_INFLIGHT_REQUESTS} requests under way`,
    saturation: `There is more to do than can be done, and ${limits.MAX_SUSTAINED_REQUESTS} requests are under way`,
    event_loop_delay: `The event loop is more than ${limits.MAX_EVENT_LOOP_DELAY_MS} ms late`,
  }
  return new Problem('OVERLOADED', `${details[reason]}: try again in a second`)
}

/** Whether there is time left in a burst for one more request, which then takes it. */
function takeOfBurst(admission: Admission): boolean {
  const { idle } = loopTime()
  admission.burst = Math.min(LONGEST_BURST, admission.burst + idle - admission.idle)
  admission.idle = idle
  if (admission.burst < admission.cost) return false
  admission.burst -= admission.cost
  return true
}

/** Why there is no room for one more request, if there is none. */
function findRefusal(admission: Admission, announced: number): Refusal | undefined {
  const { limits, loop, requests, bytes } = admission
  if (admission.phase === 'closing') return 'shutting_down'
  if (requests >= limits.MAX_INFLIGHT_REQUESTS) return 'requests'
  // A request alone is always taken, up to the limit of its own.
  if (requests > 0 && bytes + announced > limits.MAX_INFLIGHT_BYTES) return 'bytes'
  if (requests >= limits.MAX_SUSTAINED_REQUESTS && !takeOfBurst(admission)) return 'saturation'
  const { MAX_EVENT_LOOP_DELAY_MS: delay } = limits
  if (delay > 0 && requests > 0 && loop.delay > delay) return 'event_loop_delay'
  return undefined
}

/** Take a request in, and return what is to be called when it is over; or why it is refused. */
export function admit(admission: Admission, request: IncomingMessage): (() => void) | Problem {
  const length = Number(request.headers['content-length'] ?? 0)
  // Of a body that is too large by itself nothing is read.
  const announced = length > admission.limits.MAX_BODY_BYTES ? 0 : length
  const reason = findRefusal(admission, announced)
  if (reason) return refuse(admission, reason)
  const claim = new Claim(admission, announced)
  claims.set(request, claim)
  return () => claim.release()
}

/** Some bytes of a request's body have come; they are refused where they find no room that was not theirs. */
export function receive(request: IncomingMessage, bytes: number): void {
  claims.get(request)?.receive(bytes)
}
