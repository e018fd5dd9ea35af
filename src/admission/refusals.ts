import { Problem } from '../errors.ts'

/** Reasons to refuse a request: four limits, and shutdown. */
export const refusals = ['wait', 'queue', 'bytes', 'late', 'shutting_down'] as const
export type Refusal = (typeof refusals)[number]

/** Random part of the time to try again, so that clients refused together do not return together. */
const SPREAD = 0.5
/** Shortest time after which a client may try again, in milliseconds. */
const SOONEST = 50

/** A 503 that says when to try again. `wait` is the time that the work ahead takes, in milliseconds. */
export function refusal(reason: Refusal, detail: string, wait: number): Problem {
  const code = reason === 'shutting_down' ? 'SHUTTING_DOWN' : 'OVERLOADED'
  const retryAfterMs = Math.ceil(Math.max(SOONEST, wait) * (1 + SPREAD * Math.random()))
  const hint = code === 'OVERLOADED' ? `: try again in ${retryAfterMs} ms` : ''
  return Object.assign(new Problem(code, `${detail}${hint}`), { retryAfterMs })
}

/** Headers that say when to try again: in seconds for every client, and in milliseconds for clients that know this header. */
export function retryHeaders({ statusCode, retryAfterMs }: Problem): Record<string, string> {
  if (statusCode !== 503) return {}
  if (retryAfterMs === undefined) return { 'retry-after': '1' }
  return {
    'retry-after': String(Math.ceil(retryAfterMs / 1000)),
    'retry-after-ms': String(retryAfterMs),
  }
}
