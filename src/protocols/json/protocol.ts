import { type Operation, returnedOf } from '../../request/operations.ts'
import { queryNames, readQuery, withQuery } from '../../request/query.ts'
import type { ReportOf } from '../../request/request-row.ts'
import { validate } from '../../request/validate.ts'
import type { SharedMemory } from '../../shared-memory/shared-memory.ts'
import { problemFailure } from '../problem.ts'
import type { Protocol } from '../protocol.ts'
import { JsonBody } from './body.ts'
import { encode } from './response.ts'
import { withSharedLogits } from './shared-logits.ts'

export const JSON_TYPE = 'application/json'

export const reportOf: ReportOf = (answer, vocabSize) => {
  const returned = returnedOf(answer, vocabSize)
  const always = { keptCount: true, entropy: true }
  if (returned === 'none') return always
  if (returned === 'kept') return { ...always, probabilities: 'kept' }
  return { ...always, probabilities: answer.encoding === 'json' ? 'float64' : 'float32' }
}

/**
 * Body and answer are JSON. The query may set fields that the body omits, except the keys of `elsewhere`. The values of
 * `elsewhere` tell a client why.
 */
export function jsonProtocol(
  operation: Operation,
  elsewhere: ReadonlyMap<string, string>,
  sharedMemory: SharedMemory,
): Protocol {
  const { parameters, refused } = queryNames(operation)
  const names = { parameters, refused: new Map([...refused, ...elsewhere]) }
  return {
    read({ headers, query, limit }) {
      const asked = readQuery(query, names)
      return {
        transport: 'json',
        open(hold) {
          const body = new JsonBody(limit, hold)
          const use = sharedMemory.begin(headers, limit)
          return {
            push: (piece) => body.push(piece),
            end() {
              const sent = validate(operation.Request, withQuery(body.end(), asked))
              return { request: withSharedLogits(sent, use) }
            },
            release() {
              body.release()
              use.release()
            },
          }
        },
      }
    },
    reportOf: () => reportOf,
    write: (_asked, rows, results, hold) => ({
      headers: { 'content-type': 'application/json; charset=utf-8' },
      parts: encode(rows, results, hold),
    }),
    failure: problemFailure,
  }
}
