/** How often the loop is looked at, in milliseconds. */
const INTERVAL = 25

/** How much the newest look counts beside those before it: a single long turn is no trend. */
const WEIGHT = 0.1

export interface EventLoop {
  /** How late it does what is due, in milliseconds; of late, not only at the last look. */
  readonly delay: number
  stop(): void
}

export function watchEventLoop(): EventLoop {
  let delay = 0
  let looked = performance.now()

  function look() {
    const now = performance.now()
    const since = now - looked
    looked = now
    delay += WEIGHT * (Math.max(0, since - INTERVAL) - delay)
  }

  const timer = setInterval(look, INTERVAL).unref()
  return {
    get delay() {
      return delay
    },
    stop: () => clearInterval(timer),
  }
}
