import type { Problem } from './types.ts'

/** Why a call failed: what Kelvin answered, or that it did not answer. */
export class KelvinError extends Error {
  override readonly name = 'KelvinError'
  /** Kelvin's own, or why there was no answer. */
  readonly code: Problem['code'] | 'CONNECTION_FAILED' | 'TIMEOUT' | 'BAD_ANSWER'
  /** Of HTTP, where there was an answer. */
  readonly status: number | undefined
  /** The document that Kelvin answered with, with the place of each fault. */
  readonly problem: Problem | undefined

  constructor(
    code: KelvinError['code'],
    message: string,
    about: { status?: number; problem?: Problem; cause?: unknown } = {},
  ) {
    super(message, 'cause' in about ? { cause: about.cause } : undefined)
    this.code = code
    this.status = about.status
    this.problem = about.problem
  }
}

/** What an answer other than 200 says. Between client and Kelvin others may answer, in their own words. */
export function toError(status: number, text: string): KelvinError {
  try {
    const problem = JSON.parse(text) as Problem
    if (typeof problem.code === 'string') {
      return new KelvinError(problem.code, problem.detail, { status, problem })
    }
  } catch {}
  return new KelvinError('BAD_ANSWER', `Got ${status}: ${text.slice(0, 200)}`, { status })
}
