import type { ProblemCode } from '../errors.ts'
import type { Logits } from '../tensors/candidates.ts'
import type { Elements } from '../tensors/elements.ts'
import { FaultyLogit, toFloat32 } from '../tensors/load.ts'
import type { NumberList } from './long-values.ts'
import { numbersOf, type Path } from './parsed.ts'

/** Schemas and checks that lists, tensors and sparse rows of logits share. */

/** A schema with a title is a component of that name in the OpenAPI document. */
const logitSchema = {
  title: 'Logit',
  anyOf: [{ type: 'number' }, { title: 'NegativeInfinity', const: '-Infinity' }],
} as const
const rowSchema = { title: 'LogitRow', type: 'array', minItems: 1, items: logitSchema } as const
const numbersSchema = { ...rowSchema, title: 'NumberRow', items: { type: 'number' } } as const

/** The schemas of a row and of a list of rows. */
export const rowOrRows = <Row extends { title: string }>(row: Row) => [
  row,
  { title: `${row.title}s`, type: 'array', minItems: 1, items: row },
]

/**
 * The schemas of logits as lists. Lists without "-Infinity" have their own schemas, so that typed languages need no
 * union for each number. They come last, because openapi-generator's Java keeps only one list.
 */
export const listForms = [...rowOrRows(rowSchema), ...rowOrRows(numbersSchema)]

/** Rows with the same vocabulary. */
export interface Batch {
  readonly rows: readonly Logits[]
  readonly vocabSize: number
  /** Whether the request has a list of rows, even of one row. */
  readonly isBatch: boolean
  /** The path of a row, or of one of its logits, in the field. */
  pathOf(row: number, id?: number): Path
}

/** A batch whose rows have all their logits. */
export interface DenseBatch extends Batch {
  readonly rows: readonly Elements[]
}

export interface BatchLimits {
  readonly maxVocabSize: number
  readonly maxRows: number
}

/** The limit that a batch exceeds, if any. */
export function findExcess(
  { rows, vocabSize }: Batch,
  { maxVocabSize, maxRows }: BatchLimits,
): { code: ProblemCode; detail: string } | undefined {
  if (vocabSize > maxVocabSize) {
    const detail = `The vocabulary has ${vocabSize} entries, and the limit is ${maxVocabSize} (MAX_VOCAB_SIZE)`
    return { code: 'VOCABULARY_TOO_LARGE', detail }
  }
  if (rows.length > maxRows) {
    const detail = `The batch has ${rows.length} rows, and the limit is ${maxRows} (MAX_ROWS); send them in several requests`
    return { code: 'TOO_MANY_ROWS', detail }
  }
  return undefined
}

/** A list of numbers. Calls `fault` for the first item that is no number. */
export function parseNumbers(
  given: unknown[] | NumberList,
  fault: (id: number, got: unknown) => never,
): Elements {
  const { elements, fault: odd } = numbersOf(given)
  return odd ? fault(odd.index, odd.value) : elements
}

/** A row as float32. Calls `fault` for the first logit that is NaN or +∞. */
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
