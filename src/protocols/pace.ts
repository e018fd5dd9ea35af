import { setImmediate } from 'node:timers/promises'

/** How long one request works before others have their turn, in milliseconds. */
const SLICE = 1

/**
 * To be called between parts of a long work: something to wait for when it is time that others have
 * their turn, nothing when it is not.
 */
export type Pace = () => Promise<void> | undefined

export function startPace(): Pace {
  let started = performance.now()
  return () => {
    if (performance.now() - started < SLICE) return undefined
    return setImmediate().then(() => {
      started = performance.now()
    })
  }
}
