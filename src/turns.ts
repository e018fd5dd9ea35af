/** How long is worked in one turn of the event loop before whatever else waits has its own, in milliseconds. */
const SLICE = 1

/** When work began in this turn of the loop. */
let began = 0
/** Whether the end of this turn will be noticed. */
let isWatched = false

function endTurn(): void {
  isWatched = false
}

/** Whether enough was done in this turn of the loop, by whomever. */
export function isTurnSpent(): boolean {
  if (isWatched) return performance.now() - began >= SLICE
  began = performance.now()
  isWatched = true
  setImmediate(endTurn)
  return false
}

/** A turn of the loop accepts one connection of each socket, so those that wait need turns in which nothing else is done. */
const MOST_ARRIVALS = 64
let arrivals = 0

/** To be called for each connection that is accepted. */
export function noteArrival(): void {
  arrivals++
}

/** Resolves in a later turn of the loop, when what came in by then was taken in. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const latest = arrivals + MOST_ARRIVALS
    let seen = arrivals
    function look(): void {
      if (arrivals === seen || arrivals >= latest) {
        resolve()
        return
      }
      seen = arrivals
      setImmediate(look)
    }
    setImmediate(look)
  })
}
