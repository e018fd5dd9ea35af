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

const UNAUTHORIZED = 401

/** Sends a request and reads the answer. If the server needs a key, asks the user for it and sends the request again. */
async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  for (;;) {
    const headers = { ...init.headers, ...authorization() }
    const response = await fetch(path, { ...init, headers })
    const answer = await response.json()
    if (response.ok) return answer
    if (response.status !== UNAUTHORIZED) throw new Refusal(answer as Problem)
    await askForKey()
  }
}

export async function get<Answer>(path: string): Promise<Answer> {
  return (await ask(path)) as Answer
}

export async function post<Answer>(path: string, body: string, signal: AbortSignal) {
  const headers = { 'content-type': 'application/json' }
  return (await ask(path, { method: 'POST', headers, body, signal })) as Answer
}
