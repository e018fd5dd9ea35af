import type { Admission } from './admission.ts'

/** How often refusals are told of, in milliseconds: a line for each would be work of its own. */
const EVERY = 1000

interface Log {
  warn(about: object, message: string): void
}

/** Logs how many requests were refused, and why, for every second that some were; until it is stopped. */
export function reportRefusals({ refused }: Admission, log: Log): () => void {
  let told = new Map(refused)
  const timer = setInterval(() => {
    const fresh = [...refused].filter(([reason, count]) => count > told.get(reason)!)
    if (fresh.length === 0) return
    const counts = fresh.map(([reason, count]) => [reason, count - told.get(reason)!])
    log.warn({ refused: Object.fromEntries(counts) }, 'requests refused')
    told = new Map(refused)
  }, EVERY)
  timer.unref()
  return () => clearInterval(timer)
}
