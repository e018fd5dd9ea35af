import { Problem } from '../errors.ts'

/** Why a request is refused: the limit that it would exceed, or that there will be no more. */
export const refusals = ['wait', 'queue', 'bytes', 'late', 'shutting_down'] as const
export type Refusal = (typeof refusals)[number]

/** Clients that are refused together should not all come back together. */
const SPREAD = 0.5
/** The shortest time to come back after, in milliseconds. */
const SOONEST = 50

/** A 503 that says when to try again, from how long the work ahead takes, in milliseconds. */
export function refusal(reason: Refusal, detail: string, wait: number): Problem {
  const code = reason === 'shutting_down' ? 'SHUTTING_DOWN' : 'OVERLOADED'
  const retryAfterMs = Math.ceil(Math.max(SOONEST, wait) * (1 + SPREAD * Math.random()))
  const hint = code === 'OVERLOADED' ? `: try again in ${retryAfterMs} ms` : ''
  return Object.assign(new Problem(code, `${detail}${hint}`), { retryAfterMs })
}

/** Headers that say when to try again: in seconds for any client, in milliseconds for those that know. */
export function retryHeaders({ statusCode, retryAfterMs }: Problem): Record<string, string> {
  if (statusCode !== 503) return {}
  if (retryAfterMs === undefined) return { 'retry-after': '1' }
  return {
    'retry-after': String(Math.ceil(retryAfterMs / 1000)),
    'retry-after-ms': String(retryAfterMs),
  }
}
