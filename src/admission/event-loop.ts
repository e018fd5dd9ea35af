import { performance } from 'node:perf_hooks'

/** How often the loop is looked at, in milliseconds. */
const INTERVAL = 25

/** A loop that had less than this of its time free had no pause. */
const FREE = 0.1

/** How much the newest look counts beside those before it: a single long turn is no trend. */
const WEIGHT = 0.1

/** What keeps this process busy, told from the outside: by how the event loop fares. */
export interface EventLoop {
  /** How late it does what is due, in milliseconds; of late, not only at the last look. */
  readonly delay: number
  /** How long it has had no pause, in milliseconds. */
  readonly busyFor: number
  stop(): void
}

export function watchEventLoop(): EventLoop {
  let delay = 0
  let busyFor = 0
  let looked = performance.now()
  let used = performance.eventLoopUtilization()

  function look() {
    const now = performance.now()
    const since = now - looked
    looked = now
    delay += WEIGHT * (Math.max(0, since - INTERVAL) - delay)
    const use = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(use, used)
    used = use
    busyFor = utilization > 1 - FREE ? busyFor + since : 0
  }

  const timer = setInterval(look, INTERVAL).unref()
  return {
    get delay() {
      return delay
    },
    get busyFor() {
      return busyFor
    },
    stop: () => clearInterval(timer),
  }
}
