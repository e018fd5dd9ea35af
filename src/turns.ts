import { performance } from 'node:perf_hooks'

/** Time for work in one turn of the event loop, in milliseconds. */
const SHORTEST_WORK = 1
/** If other things in the turn take longer, such as thousands of refusals, work gets this part of their time, up to a limit. */
const PART = 1 / 3
const LONGEST_WORK = 20

/** When work began in this turn of the event loop, and how long it may go on. */
let began = 0
let budget = SHORTEST_WORK
/** When work was last under way, and the total idle time of the loop at the beginning of the turn. */
let worked = 0
let idle = 0
/** Whether work has begun in this turn; `endTurn` resets it. */
let isWatched = false

function endTurn(): void {
  isWatched = false
}

/** Whether all requests together have used up the time for work in this turn of the event loop. */
export function isTurnSpent(): boolean {
  const now = performance.now()
  if (isWatched) {
    worked = now
    return now - began >= budget
  }
  const { idleTime: waited } = performance.nodeTiming
  const elsewhere = now - worked - (waited - idle)
  budget = Math.min(LONGEST_WORK, Math.max(SHORTEST_WORK, PART * elsewhere))
  began = now
  worked = now
  idle = waited
  isWatched = true
  setImmediate(endTurn)
  return false
}

/**
 * Longest time without work, in milliseconds, in which waiting connections are accepted. A turn of the event loop
 * accepts one connection per listening socket, so many connections need many turns.
 */
const ACCEPTING = 20
let arrivals = 0

/** Call it for each connection that is accepted. */
export function noteArrival(): void {
  arrivals++
}

/** Resolves in a later turn of the event loop, when no connection waits to be accepted, or after `ACCEPTING` milliseconds. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const latest = performance.now() + ACCEPTING
    let seen = arrivals
    function look(): void {
      if (arrivals === seen || performance.now() >= latest) {
        resolve()
        return
      }
      seen = arrivals
      setImmediate(look)
    }
    setImmediate(look)
  })
}
