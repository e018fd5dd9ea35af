/** How long is worked in one turn of the event loop before others have theirs, in milliseconds. */
const SLICE = 1

/** Those whose turn is to come, in order. Of all that is long, one part is worked on in a turn of the loop. */
const waiting: (() => void)[] = []
/** When work began in this turn of the loop. */
let began = 0
/** Whether the end of this turn will be noticed. */
let isWatched = false

function watch(): void {
  isWatched = true
  setImmediate(() => {
    isWatched = false
    began = performance.now()
    const resume = waiting.shift()
    if (!resume) return
    watch()
    resume()
  })
}

/**
 * To be called between parts of a long work: something to wait for when it is time that others have their
 * turn, nothing when it is not. However many requests there are, one that comes anew, and be it to be
 * refused, waits for no more than a part of one of them: they go on one after the other, not all in every
 * turn of the loop.
 */
export function pace(): Promise<void> | undefined {
  if (!isWatched) {
    began = performance.now()
    watch()
    return undefined
  }
  if (performance.now() - began < SLICE) return undefined
  return new Promise((resolve) => waiting.push(resolve))
}
