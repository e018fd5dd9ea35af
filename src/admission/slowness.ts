import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import type { Admission } from './admission.ts'
import type { Ticket } from './ticket.ts'

/** Time between checks of the requests under way, in milliseconds. */
const CHECK_INTERVAL = 250

export type Limits = Pick<Config, 'REQUEST_TIMEOUT_MS' | 'MIN_BODY_RATE' | 'BODY_GRACE_MS'>

/** Received bytes and time of the last check at which the body was fast enough. */
interface Mark {
  received: number
  at: number
}

/**
 * Ends requests of slow clients: bodies below the lowest rate, bodies that take too long as a whole, and
 * answers that are not read. Returns a function that stops it.
 */
export function endSlowRequests(admission: Admission, limits: Limits): () => void {
  const { REQUEST_TIMEOUT_MS: longest, MIN_BODY_RATE: rate, BODY_GRACE_MS: grace } = limits
  const least = (rate * grace) / 1000
  const marks = new WeakMap<Ticket, Mark>()

  function findFault(ticket: Ticket, now: number): string | undefined {
    if (longest > 0 && now - ticket.began > longest) {
      return `The body did not arrive within ${longest} ms (REQUEST_TIMEOUT_MS)`
    }
    const mark = marks.get(ticket) ?? { received: 0, at: ticket.began }
    // A body that waits for memory is not read, so the client is not slow.
    if (ticket.lacksMemory || ticket.received - mark.received >= least) {
      marks.set(ticket, { received: ticket.received, at: now })
    } else if (now - mark.at > grace) {
      return `The body came slower than ${rate} bytes a second for ${grace} ms (MIN_BODY_RATE)`
    } else if (!marks.has(ticket)) marks.set(ticket, mark)
    return undefined
  }

  function check(): void {
    const now = performance.now()
    for (const ticket of admission.underWay) {
      if (ticket.state === 'reading') {
        const fault = findFault(ticket, now)
        if (fault) ticket.refuse?.(new Problem('REQUEST_TIMEOUT', fault))
      } else if (ticket.state === 'writing' && longest > 0 && now - ticket.progressed > longest) {
        ticket.cutOff?.()
      }
    }
  }

  const timer = setInterval(check, CHECK_INTERVAL).unref()
  return () => clearInterval(timer)
}
