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

/** Resolves in the next turn of the loop, after what came in by then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
