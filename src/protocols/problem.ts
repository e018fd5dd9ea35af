import * as z from 'zod'
import { type Problem, type ProblemCode, problems } from '../errors.ts'
import { MAX_FAULTS } from '../request/validate.ts'
import type { Failure } from './protocol.ts'

/** The body of an error answer, by RFC 9457. */
export const ProblemDocument = z
  .strictObject({
    type: z
      .string()
      .meta({ description: 'The code as a URI: `urn:kelvin:problem:` and the code.' }),
    title: z.string().meta({ description: 'The meaning of the code.' }),
    status: z.int(),
    code: z
      .enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]])
      .meta({ title: 'ProblemCode' }),
    detail: z.string().meta({ description: 'The fault of this request, and how to correct it.' }),
    request_id: z.string().meta({ description: 'The id in `X-Request-Id`.' }),
    errors: z
      .array(
        z
          .strictObject({
            pointer: z.string().meta({
              description:
                'The place, as a JSON pointer into the body, or into the query as an object.',
            }),
            detail: z.string(),
          })
          .meta({ title: 'Fault', description: 'One fault of the request.' }),
      )
      .max(MAX_FAULTS),
    errors_truncated: z
      .boolean()
      .optional()
      .meta({ description: 'Whether the request has more faults than are listed.' }),
  })
  .meta({ title: 'Problem', description: 'Why a request failed (RFC 9457).' })

export const PROBLEM_TYPE = 'application/problem+json'

const MAX_DETAIL = 1000

export function toDocument(problem: Problem, request_id: string): z.output<typeof ProblemDocument> {
  const { code, faults } = problem
  const [status, title] = problems[code]
  const cut = (text: string) => (text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)}…` : text)
  return {
    type: `urn:kelvin:problem:${code}`,
    title,
    status,
    code,
    detail: cut(problem.message),
    request_id,
    errors: faults
      .slice(0, MAX_FAULTS)
      .map(({ pointer, detail }) => ({ pointer: cut(pointer), detail: cut(detail) })),
    ...(faults.length > MAX_FAULTS && { errors_truncated: true }),
  }
}

/** The answer to a failed request, in the protocols that write problems as RFC 9457 does. */
export function problemFailure(problem: Problem, requestId: string): Failure {
  const body = Buffer.from(JSON.stringify(toDocument(problem, requestId)))
  return { status: problem.statusCode, type: PROBLEM_TYPE, body }
}
