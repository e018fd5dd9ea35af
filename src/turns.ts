import { performance } from 'node:perf_hooks'

/** How long is worked in one turn of the event loop before whatever else waits has its own, in milliseconds. */
const SLICE = 1
/** Where all else takes longer, such as thousands of refusals, work has a part of that time too, up to a bound. */
const PART = 1 / 3
const LONGEST_SLICE = 20

/** When work began in this turn of the loop, and how long it may go on. */
let began = 0
let slice = SLICE
/** When work was last under way, and how long the loop had waited for something to do by then. */
let worked = 0
let idle = 0
/** Whether the end of this turn will be noticed. */
let isWatched = false

function endTurn(): void {
  isWatched = false
}

/** Whether enough was done in this turn of the loop, by whomever. */
export function isTurnSpent(): boolean {
  const now = performance.now()
  if (isWatched) {
    worked = now
    return now - began >= slice
  }
  const waited = performance.eventLoopUtilization().idle
  const elsewhere = now - worked - (waited - idle)
  slice = Math.min(LONGEST_SLICE, Math.max(SLICE, PART * elsewhere))
  began = now
  worked = now
  idle = waited
  isWatched = true
  setImmediate(endTurn)
  return false
}

/**
 * A turn of the loop accepts one connection of each socket, so those that wait need turns in which no work is done:
 * for at most so many milliseconds.
 */
const ACCEPTING = 20
let arrivals = 0

/** To be called for each connection that is accepted. */
export function noteArrival(): void {
  arrivals++
}

/** Resolves in a later turn of the loop, when what came in by then was taken in. */
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
