import type { Elements } from '../tensors/elements.ts'
import { type Batch, finite, listForms, parseNumbers } from './batch.ts'
import { type Form, forms } from './form.ts'
import type { NumberList } from './long-values.ts'
import {
  describeValue,
  type FaultAt,
  isList,
  isObject,
  parsed,
  parsePart,
  toPart,
} from './parsed.ts'
import { listOrSame, MAX_SEQUENCES, perRow, vocabularyChecks } from './registries.ts'
import { parseSparse, SparseLogits } from './sparse.ts'
import { parseTensor, SharedTensor, Tensor } from './tensor.ts'

const tensorSchema = toPart(Tensor)

const logitList: Form = { kind: 'logits', isList: true, isLong: true }

/** The logits of a request. NaN and +∞ in tensors are found later, when a row is loaded. */
export const Logits = parsed(
  {
    description:
      'The model’s logits: a row, a batch of rows of equal length, a dense tensor, also one in shared memory, or a sparse row of the most likely tokens. They are rounded to float32. "-Infinity" (−∞ in tensors) takes a token out of play; NaN and +∞ are errors.',
    title: 'Logits',
    anyOf: [...listForms, tensorSchema, toPart(SharedTensor), toPart(SparseLogits)],
  },
  (value, fault): Batch | SharedTensor =>
    isObject(value) && 'shared_memory' in value
      ? parsePart(SharedTensor, value)
      : parseLogits(value, fault),
).register(forms, logitList)

/** Parses logits in any form that has them in the request. */
function parseLogits(value: unknown, fault: FaultAt): Batch {
  if (isList(value)) return parseRows(value, fault)
  if (isObject(value)) {
    return 'vocab_size' in value || 'token_ids' in value
      ? parseSparse(value, fault)
      : parseTensor(value, fault)
  }
  return fault([], `Expected a row, a batch of rows or a tensor, got ${describeValue(value)}`)
}

function parseRows(value: unknown[] | NumberList, fault: FaultAt): Batch {
  const isBatch = Array.isArray(value) && isList(value[0])
  const given = isBatch ? (value as unknown[]) : [value]
  const pathOf = (row: number, id?: number) => [
    ...(isBatch ? [row] : []),
    ...(id === undefined ? [] : [id]),
  ]
  // MAX_ROWS is never this high; refusing early spares the time to check each row.
  if (given.length > MAX_SEQUENCES) {
    const detail = `Expected at most ${MAX_SEQUENCES} rows, got ${given.length}`
    fault([], detail, 'TOO_MANY_ROWS')
  }
  const [first] = Array.isArray(value) ? value : []
  if (isObject(first)) {
    const batch =
      'dtype' in first
        ? 'one tensor of shape [rows, vocabulary size]'
        : 'one object, in which token_ids, values and log_z are lists with an item for each row'
    fault([], `Expected numbers, got a list of objects; send a batch as ${batch}`)
  }
  const vocabSize = isList(given[0]) ? given[0].length : 0
  if (vocabSize === 0) fault(pathOf(0), 'Expected at least one logit, got an empty array')
  for (const [row, logits] of given.entries()) {
    if (isList(logits) && logits.length === vocabSize) continue
    const got = isList(logits) ? `${logits.length} logits` : describeValue(logits)
    fault([row], `Expected a row of ${vocabSize} logits like the first, got ${got}`)
  }
  const rows = given.map((logits, row) =>
    parseNumbers(logits as unknown[] | NumberList, (id, got) => {
      const hint =
        got === null ? ' (JSON writes NaN and Infinity as null; send −∞ as "-Infinity")' : ''
      const detail = `Expected a number or "-Infinity" at row ${row}, index ${id}, got ${describeValue(got)}${hint}`
      return fault(pathOf(row, id), detail)
    }),
  )
  return { rows, vocabSize, isBatch, pathOf }
}

/** The largest number of logits of a second model or prompt: 128 rows of 128,000. They are decoded to float32, which takes twice the memory of float16. */
const MAX_DECODED = 2 ** 24

/** A field of logits of another model or prompt: one row, or one for each row of the batch. */
export function logitRows(description: string) {
  return parsed(
    {
      title: 'DenseLogits',
      description,
      anyOf: [...listForms, tensorSchema],
    },
    (value, fault): Float32Array | Float32Array[] => {
      if (Array.isArray(value) && value.length > MAX_SEQUENCES && isList(value[0])) {
        fault([], `Expected at most ${MAX_SEQUENCES} rows, got ${value.length}`)
      }
      if (!isList(value) && !(isObject(value) && 'dtype' in value)) {
        fault([], `Expected a row, a list of rows or a tensor, got ${describeValue(value)}`)
      }
      const { rows, vocabSize, isBatch, pathOf } = parseLogits(value, fault)
      if (rows.length * vocabSize > MAX_DECODED) {
        fault([], `Expected at most ${MAX_DECODED} logits, got ${rows.length * vocabSize}`)
      }
      const decoded = rows.map((row, index) => {
        const logits = finite(row as Elements, (id, got) => {
          const detail = `Expected a number below +Infinity at index ${id}, got ${got} as float32`
          return fault(pathOf(index, id), detail, 'LOGITS_NOT_FINITE')
        })
        if (!logits.some((logit) => logit > Number.NEGATIVE_INFINITY)) {
          fault(pathOf(index), 'Expected at least one logit above -Infinity, got none')
        }
        return logits
      })
      return isBatch ? decoded : decoded[0]!
    },
  )
    .register(vocabularyChecks, {
      misfit(value, vocabSize) {
        const rows = Array.isArray(value) ? (value as Float32Array[]) : [value as Float32Array]
        const misfit = rows.find((row) => row.length !== vocabSize)
        if (!misfit) return undefined
        const detail = `Expected ${vocabSize} logits in a row, as in logits, got ${misfit.length}`
        return { path: [], detail, code: 'VOCABULARY_MISMATCH' }
      },
    })
    .register(perRow, { split: listOrSame })
    .register(forms, logitList)
}
