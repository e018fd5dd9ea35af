import { askForKey, authorization } from './key.ts'
import type { Problem } from './types.ts'

/** An error answer, with its problem document. */
export class Refusal extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

/** The server cannot be reached, or says that it cannot answer now. The message is for the user. */
export class Unreachable extends Error {}

const UNAUTHORIZED = 401

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, headers: { ...init.headers, ...authorization() } })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Unreachable('Kelvin does not answer')
  }
}

async function problemOf(response: Response): Promise<Problem | undefined> {
  return (await response.json().catch(() => undefined)) as Problem | undefined
}

/** Sends a request and reads the answer. If the server needs a key, asks the user for it and sends the request again. */
async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  for (;;) {
    const response = await send(path, init)
    if (response.ok) return await response.json()
    if (response.status === UNAUTHORIZED) {
      await askForKey('authorization' in authorization())
      continue
    }
    const problem = await problemOf(response)
    if (!problem?.code || response.status >= 500 || response.status === 429) {
      throw new Unreachable(`Kelvin cannot answer now (${response.status})`)
    }
    throw new Refusal(problem)
  }
}

export async function get<Answer>(path: string): Promise<Answer> {
  return (await ask(path)) as Answer
}

export async function post<Answer>(path: string, body: string, signal: AbortSignal) {
  const headers = { 'content-type': 'application/json' }
  return (await ask(path, { method: 'POST', headers, body, signal })) as Answer
}
