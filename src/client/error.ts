import type { Problem } from './types.ts'

/** The reason why a call failed: an error that Kelvin answered, or a missing answer. */
export class KelvinError extends Error {
  override readonly name = 'KelvinError'
  /** The code of Kelvin's problem, or the reason why there is none. */
  readonly code: Problem['code'] | 'CONNECTION_FAILED' | 'TIMEOUT' | 'BAD_ANSWER'
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | undefined
  /** The problem document that Kelvin answered, with the place of each fault. */
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

/** The error for an answer other than 200. A proxy may have answered, without a problem document. */
export function toError(status: number, text: string): KelvinError {
  try {
    const problem = JSON.parse(text) as Problem
    if (typeof problem.code === 'string') {
      return new KelvinError(problem.code, problem.detail, { status, problem })
    }
  } catch {}
  return new KelvinError('BAD_ANSWER', `Got ${status}: ${text.slice(0, 200)}`, { status })
}
