import { expect } from 'vitest'
import type { Where } from '../http.ts'
import { faultOf } from './faults.ts'
import { split } from './mutations.ts'
import { type Request, toBytes } from './requests.ts'
import { type Answer, exchange } from './wire.ts'

const next = Buffer.from('GET /livez HTTP/1.1\r\nHost: kelvin\r\n\r\n')

/**
 * Sends a complete request. Its answer must be valid, whatever its body is, and so must be the answer to the next
 * request on the connection.
 */
export async function expectAnswer(
  where: Where,
  request: Request,
  at: readonly number[] = [],
): Promise<Answer> {
  const bytes = Buffer.concat([toBytes(request), next])
  const { answers, rest, isClosed, isLate } = await exchange(
    where,
    split(bytes, at),
    ({ answers }) => answers.length >= 2,
  )
  const statuses = answers.map(({ status }) => status)
  expect({ isLate, statuses }).toMatchObject({ isLate: false })
  const [answer] = answers
  if (!answer) throw new Error('The connection was closed without an answer')
  expect(faultOf(answer, request.path.split('?')[0])).toBeUndefined()
  expect(rest).toHaveLength(0)
  if (isClosed) expect(answer.headers.get('connection')).toBe('close')
  else expect(statuses).toEqual([expect.not.toSatisfy((status) => status === 408), 200])
  return answer
}
