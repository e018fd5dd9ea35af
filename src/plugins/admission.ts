import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { type EventLoop, watchEventLoop } from './event-loop.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether a request is work, which may be refused; probes and pages are not. */
    isWork?: boolean
  }
  interface FastifyRequest {
    /** What of the limits this request takes up, while it is under way. */
    claim: Claim | undefined
  }
}

/** Which limit a request was refused by. */
export type Refusal = 'bytes' | 'requests' | 'saturation' | 'event_loop_delay'

/**
 * A burst is taken whole when it can be done with in so many milliseconds. When the loop has had no pause
 * for as long, it is no burst, but more than can be done.
 */
const BURST_MS = 100

/**
 * The body of a refused request is let go by up to so many bytes, so that its connection can go on. To read
 * a longer one would take what is not there, so that connection ends.
 */
const LET_BY = 65_536

/** How long a client has to read its refusal while it is still sending, in milliseconds. */
const LINGER_MS = 500

/** How much the newest request counts beside those before it in what a request costs. */
const WEIGHT = 0.1

/** How much is under way, of which limits are kept. */
export interface Admission {
  readonly requests: number
  readonly bytes: number
  readonly loop: EventLoop
}

type Limits = Pick<
  Config,
  | 'MAX_BODY_BYTES'
  | 'MAX_INFLIGHT_BYTES'
  | 'MAX_INFLIGHT_REQUESTS'
  | 'MAX_SUSTAINED_REQUESTS'
  | 'MAX_EVENT_LOOP_DELAY_MS'
>

/** The bytes of one request's body, first those announced, then those that come beyond them. */
export class Claim {
  readonly #state: State
  #held: number
  #received = 0

  constructor(state: State, announced: number) {
    this.#state = state
    this.#held = announced
    state.requests++
    state.bytes += announced
  }

  /** Some bytes have come; they are refused where they find no room that was not theirs already. */
  receive(bytes: number): void {
    this.#received += bytes
    const more = this.#received - this.#held
    if (more <= 0) return
    const { limits } = this.#state
    const isAlone = this.#state.requests === 1
    if (!isAlone && this.#state.bytes + more > limits.MAX_INFLIGHT_BYTES) {
      throw refusal('bytes', limits)
    }
    this.#held += more
    this.#state.bytes += more
  }

  release(): void {
    const state = this.#state
    state.requests--
    state.bytes -= this.#held
    const { active } = performance.eventLoopUtilization()
    state.cost += WEIGHT * (active - state.active - state.cost)
    state.active = active
  }
}

interface State {
  readonly limits: Limits
  readonly loop: EventLoop
  requests: number
  bytes: number
  /** What a request has kept the loop busy for, of late, in milliseconds. */
  cost: number
  /** How long the loop had been busy when the last request ended. */
  active: number
}

function refusal(reason: Refusal, limits: Limits): Problem {
  const details: Record<Refusal, string> = {
    bytes: `The bodies under way take more than ${limits.MAX_INFLIGHT_BYTES} bytes with this one`,
    requests: `There are ${limits.MAX_INFLIGHT_REQUESTS} requests under way`,
    saturation: `There is more to do than can be done, and ${limits.MAX_SUSTAINED_REQUESTS} requests are under way`,
    event_loop_delay: `The event loop is more than ${limits.MAX_EVENT_LOOP_DELAY_MS} ms late`,
  }
  return new Problem('OVERLOADED', `${details[reason]}: try again in a second`, [], reason)
}

/** Which limit has no room for one more request, if any. */
function findLimit({ limits, loop, requests, bytes, cost }: State, announced: number) {
  if (requests >= limits.MAX_INFLIGHT_REQUESTS) return 'requests'
  // A request alone is always taken, up to the limit of its own.
  if (requests > 0 && bytes + announced > limits.MAX_INFLIGHT_BYTES) return 'bytes'
  const { MAX_SUSTAINED_REQUESTS: sustained, MAX_EVENT_LOOP_DELAY_MS: delay } = limits
  const isBurst = requests * cost < BURST_MS && loop.busyFor < BURST_MS
  if (requests >= sustained && !isBurst) return 'saturation'
  if (delay > 0 && requests > 0 && loop.delay > delay) return 'event_loop_delay'
  return undefined
}

/** Closed at once, a socket with bytes that nobody has read takes the answer back from a client that still sends. */
function linger(socket: Socket): void {
  socket.destroySoon = () => {
    socket.end()
    setImmediate(() => socket.pause())
    setTimeout(() => socket.destroy(), LINGER_MS)
  }
}

/** Requests that are work are taken in, or refused before their bodies are read. */
export function registerAdmission(app: FastifyInstance, limits: Limits): Admission {
  const loop = watchEventLoop()
  const state: State = { limits, loop, requests: 0, bytes: 0, cost: 1, active: 0 }
  app.addHook('onClose', () => loop.stop())
  app.decorateRequest('claim', undefined)

  function admit(request: FastifyRequest, reply: FastifyReply) {
    const length = Number(request.headers['content-length'] ?? 0)
    // Of a body that is too large by itself nothing is read.
    const announced = length > limits.MAX_BODY_BYTES ? 0 : length
    const limit = findLimit(state, announced)
    if (limit) {
      if (length > LET_BY || request.headers['transfer-encoding']) {
        reply.header('connection', 'close')
        linger(request.raw.socket)
      }
      throw refusal(limit, limits)
    }
    request.claim = new Claim(state, announced)
  }

  app.addHook('onRequest', (request, reply, done) => {
    if (!request.routeOptions.config.isWork) return done()
    try {
      admit(request, reply)
    } catch (error) {
      return done(error as Problem)
    }
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    request.claim?.release()
    request.claim = undefined
    done()
  })
  return state
}
