import type { Problem } from './types.ts'

/** A request that Kelvin did not answer, with the problem document that says why. */
export class Refusal extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

async function read(response: Response): Promise<unknown> {
  const answer = await response.json()
  if (!response.ok) throw new Refusal(answer as Problem)
  return answer
}

export async function get<Answer>(path: string): Promise<Answer> {
  return (await read(await fetch(path))) as Answer
}

export async function post<Answer>(path: string, body: string, signal: AbortSignal) {
  const headers = { 'content-type': 'application/json' }
  return (await read(await fetch(path, { method: 'POST', headers, body, signal }))) as Answer
}
