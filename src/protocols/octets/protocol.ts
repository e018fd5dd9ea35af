import { problemAt } from '../../errors.ts'
import { problemFailure } from '../problem.ts'
import type { Protocol } from '../protocol.ts'
import { TensorBody } from '../tensor-body.ts'
import { writeTensor } from './response.ts'
import type { TensorQuery } from './tensor-query.ts'

function fault(message: string): never {
  throw problemAt('INVALID_REQUEST', ['logits'], message)
}

/** The body is the bytes of the logits, the answer those of the probabilities. All other fields are in the query. */
export function octetsProtocol({ parse }: TensorQuery): Protocol {
  return {
    read({ query, length }) {
      const fields = parse(query)
      return {
        transport: 'octets',
        open() {
          const tensor = new TensorBody(fields.dtype, fields.shape, length, fault)
          return {
            push: (piece) => tensor.push(piece),
            end: () => ({ request: { ...fields, logits: tensor.finish() } }),
            release: () => tensor.release(),
          }
        },
      }
    },
    reportOf: () => () => ({ probabilities: 'float32' }),
    write: (_asked, rows, results, hold) => writeTensor(rows, results, hold),
    failure: problemFailure,
  }
}
