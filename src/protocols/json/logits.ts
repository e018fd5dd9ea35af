import * as z from 'zod'
import { type Problem, problemAt } from '../../errors.ts'
import { describeValue } from '../../sampling/fields.ts'
import {
  copyLogits,
  decodeTensor,
  findFaulty,
  type Rows,
  rowSchema,
  Tensor,
} from '../../sampling/tensor.ts'
import { validate } from '../validate.ts'

/**
 * Described here, checked by `decodeLogits`: a row may have a quarter of a million elements, and is
 * read in one loop that copies as it checks and stops at the first fault.
 */
export const Logits = z.unknown().meta({
  description:
    'The model’s logits: a row, a batch of rows of equal length, or a dense tensor. Rounded to float32. ' +
    '"-Infinity" (−∞ in tensors) takes a token out of play; NaN and +∞ are errors.',
  anyOf: [
    { title: 'Row', ...rowSchema },
    { title: 'Batch', type: 'array', minItems: 1, items: rowSchema },
    { title: 'Tensor', $ref: '#/components/schemas/Tensor' },
  ],
})

/** A batch of rows of equal length. */
export interface Batch extends Rows {
  /** Where a row is in the request, for errors. */
  pathOf(row: number): PropertyKey[]
}

/** The logits of a request as float32 rows, every element a number below +∞. */
export function decodeLogits(
  logits: unknown,
  { maxVocabSize, maxRows }: { maxVocabSize: number; maxRows: number },
): Batch {
  if (typeof logits !== 'object' || logits === null) {
    const detail = `Expected a row, a batch of rows or a tensor, got ${describeValue(logits)}`
    throw problemAt('INVALID_REQUEST', ['logits'], detail)
  }
  const batch = Array.isArray(logits) ? decodeArray(logits) : decodeObject(logits)
  if (batch.vocabSize > maxVocabSize) {
    const detail = `The vocabulary has ${batch.vocabSize} entries, and the limit is ${maxVocabSize}`
    throw problemAt('VOCABULARY_TOO_LARGE', ['logits'], detail)
  }
  if (batch.rows > maxRows) {
    const detail = `The batch has ${batch.rows} rows, and the limit is ${maxRows}`
    throw problemAt('TOO_MANY_ROWS', ['logits'], detail)
  }
  if (!Array.isArray(logits)) checkTensor(batch)
  return batch
}

function decodeObject(logits: object): Batch {
  const rows = decodeTensor(validate(Tensor, logits, ['logits']), (path, message) => {
    throw problemAt('INVALID_REQUEST', ['logits', ...path], message)
  })
  return { ...rows, pathOf: () => ['logits', 'data'] }
}

function decodeArray(logits: unknown[]): Batch {
  const isBatch = Array.isArray(logits[0])
  const rows = (isBatch ? logits : [logits]) as unknown[][]
  const pathOf = (row: number) => (isBatch ? ['logits', row] : ['logits'])
  const vocabSize = rows[0]!.length
  if (vocabSize === 0) {
    throw problemAt('INVALID_REQUEST', pathOf(0), 'Expected at least one logit, got an empty array')
  }
  rows.forEach((row, index) => {
    if (Array.isArray(row) && row.length === vocabSize) return
    const got = Array.isArray(row) ? `${row.length} logits` : describeValue(row)
    const detail = `Expected a row of ${vocabSize} logits like the first, got ${got}`
    throw problemAt('INVALID_REQUEST', ['logits', index], detail)
  })
  const values = new Float32Array(rows.length * vocabSize)
  rows.forEach((row, index) => {
    const start = index * vocabSize
    const id = copyLogits(row, values.subarray(start, start + vocabSize))
    if (id >= 0) throw faultyElement(row[id], [...pathOf(index), id], index, id)
  })
  return { values, rows: rows.length, vocabSize, pathOf }
}

function faultyElement(value: unknown, path: PropertyKey[], row: number, id: number): Problem {
  const where = `row ${row}, index ${id}`
  if (typeof value === 'number') {
    const detail = `Expected a number below +Infinity at ${where}, got ${value} as float32`
    return problemAt('LOGITS_NOT_FINITE', path, detail)
  }
  const hint =
    value === null ? ' (NaN and Infinity are written as null; −Infinity is "-Infinity" here)' : ''
  const detail = `Expected a number or "-Infinity" at ${where}, got ${describeValue(value)}${hint}`
  return problemAt('INVALID_REQUEST', path, detail)
}

function checkTensor({ values, vocabSize }: Batch): void {
  const faulty = findFaulty(values)
  if (faulty < 0) return
  const where = `row ${Math.floor(faulty / vocabSize)}, index ${faulty % vocabSize}`
  const detail = `Expected a number below +Infinity at ${where}, got ${values[faulty]}`
  throw problemAt('LOGITS_NOT_FINITE', ['logits', 'data'], detail)
}
