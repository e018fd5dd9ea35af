import type { Admission } from './admission.ts'

/** Time between log lines about refusals, in milliseconds. A line for each refusal would cost too much. */
const EVERY = 1000

interface Log {
  warn(about: object, message: string): void
}

/** Logs the refusals of each second by reason, if there were any. Returns a function that stops it. */
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
