import { randomBytes } from 'node:crypto'
import { Problem } from '../errors.ts'
import { reportOf } from '../protocols/json/protocol.ts'
import { encode } from '../protocols/json/response.ts'
import { finish } from '../protocols/steps.ts'
import { sampleOperation } from '../request/operations.ts'
import { toRows } from '../request/rows.ts'
import { validate } from '../request/validate.ts'
import { sample } from '../sampling/sample.ts'

/** Whoever has the file has the memory and the time. */
const LIMITS = { maxVocabSize: 2 ** 24, maxRows: 2 ** 16, maxWork: Number.POSITIVE_INFINITY }

/** What /v1/sample would answer, without a server; a `Problem` where it would answer with one. */
export function sampleHere(request: object): string {
  const parsed = validate(sampleOperation.Request, request)
  const options = { ...LIMITS, drawSeed: () => randomBytes(8).readBigUInt64LE() }
  const { result: rows } = finish(toRows(parsed, sampleOperation, options, reportOf))
  return finish(encode(rows, sample(rows))).parts.join('')
}

export { Problem }
