import type { ProblemCode } from '../errors.ts'
import type { Logits } from '../tensors/candidates.ts'
import type { Elements } from '../tensors/elements.ts'
import { FaultyLogit, toFloat32 } from '../tensors/load.ts'
import { numbersOf, type Path } from './parsed.ts'

/** What the forms of logits have in common: how rows are described, and what they come to. */

/** A schema with a title is a component of that name in the OpenAPI document. */
const logitSchema = {
  title: 'Logit',
  anyOf: [{ type: 'number' }, { title: 'NegativeInfinity', const: '-Infinity' }],
} as const
const rowSchema = { title: 'LogitRow', type: 'array', minItems: 1, items: logitSchema } as const
const numbersSchema = { ...rowSchema, title: 'NumberRow', items: { type: 'number' } } as const

/** A row, or for a batch a list of rows. */
export const rowOrRows = <Row extends { title: string }>(row: Row) => [
  row,
  { title: `${row.title}s`, type: 'array', minItems: 1, items: row },
]

/**
 * The forms of logits as lists. Those without "-Infinity" are forms of their own, which spare languages
 * with types a choice for each number; they come last, because openapi-generator's Java knows one list only.
 */
export const listForms = [...rowOrRows(rowSchema), ...rowOrRows(numbersSchema)]

/** Rows over the same vocabulary. */
export interface Batch {
  readonly rows: readonly Logits[]
  readonly vocabSize: number
  /** Whether a list of rows was given, if only of one. */
  readonly isBatch: boolean
  /** Where a row or an entry of it is in the field. */
  pathOf(row: number, id?: number): Path
}

export interface BatchLimits {
  readonly maxVocabSize: number
  readonly maxRows: number
}

/** What is wrong with the size of a batch, if anything. */
export function findExcess(
  { rows, vocabSize }: Batch,
  { maxVocabSize, maxRows }: BatchLimits,
): { code: ProblemCode; detail: string } | undefined {
  if (vocabSize > maxVocabSize) {
    const detail = `The vocabulary has ${vocabSize} entries, and the limit is ${maxVocabSize}`
    return { code: 'VOCABULARY_TOO_LARGE', detail }
  }
  if (rows.length > maxRows) {
    const detail = `The batch has ${rows.length} rows, and the limit is ${maxRows}`
    return { code: 'TOO_MANY_ROWS', detail }
  }
  return undefined
}

/** A list as numbers, all of them. */
export function parseNumbers(
  given: unknown[] | Elements,
  fault: (id: number, got: unknown) => never,
): Elements {
  const numbers = numbersOf(given)
  return numbers.fault ? fault(numbers.fault.index, numbers.fault.value) : numbers
}

/** All of a row in float32, none of them NaN or +∞. */
export function finite(
  numbers: Elements,
  fault: (id: number, value: number) => never,
): Float32Array {
  try {
    return toFloat32(numbers)
  } catch (error) {
    if (error instanceof FaultyLogit) fault(error.id, error.value)
    throw error
  }
}
