import { randomBytes } from 'node:crypto'
import { Problem, problemAt } from '../errors.ts'
import { reportOf } from '../protocols/json/protocol.ts'
import { encode } from '../protocols/json/response.ts'
import { finish } from '../protocols/steps.ts'
import { sampleOperation } from '../request/operations.ts'
import { toRows } from '../request/rows.ts'
import { validate } from '../request/validate.ts'
import { sample } from '../sampling/sample.ts'

/** The largest limits that a server can have, and unlimited work, because users wait only for themselves. */
const LIMITS = { maxVocabSize: 2 ** 24, maxRows: 2 ** 16, maxWork: Number.POSITIVE_INFINITY }

/** Samples in this process, and returns the answer of /v1/sample as JSON. Throws a `Problem` if that would be the answer. */
export function sampleHere(request: object): string {
  const { logits, ...fields } = validate(sampleOperation.Request, request)
  if ('shared_memory' in logits) {
    const detail = 'Expected the logits themselves: only a server has shared memory'
    throw problemAt('SHARED_MEMORY_UNAVAILABLE', ['logits', 'shared_memory'], detail)
  }
  const options = { ...LIMITS, drawSeed: () => randomBytes(8).readBigUInt64LE() }
  const { result: rows } = finish(toRows({ ...fields, logits }, sampleOperation, options, reportOf))
  return finish(encode(rows, sample(rows))).parts.join('')
}

export { Problem }
