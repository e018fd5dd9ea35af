import * as z from 'zod'
import {
  decodeBase64,
  describeValue,
  type FaultAt,
  list,
  listOrSame,
  MAX_SEQUENCES,
  parsed,
  perRow,
  vocabularyChecks,
} from './fields.ts'

/** How each dtype's little-endian bytes become float32. Wider values are rounded to the nearest. */
const decoders = {
  float32: { bytes: 4, decode: (b: ArrayBuffer) => new Float32Array(b) },
  float64: { bytes: 8, decode: (b: ArrayBuffer) => new Float32Array(new Float64Array(b)) },
  float16: { bytes: 2, decode: (b: ArrayBuffer) => new Float32Array(new Float16Array(b)) },
  bfloat16: { bytes: 2, decode: decodeBfloat16 },
}

export type Dtype = keyof typeof decoders
export const dtypes = Object.keys(decoders) as [Dtype, ...Dtype[]]

/** bfloat16 is the upper half of float32. */
function decodeBfloat16(buffer: ArrayBuffer): Float32Array {
  const halves = new Uint16Array(buffer)
  const words = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16
  return new Float32Array(words.buffer)
}

const Dimension = z.int().min(1)

export const Tensor = z
  .strictObject({
    dtype: z.enum(dtypes).meta({ description: 'Element type.' }),
    shape: list(Dimension, {
      description: '[vocabulary size] for a row, [rows, vocabulary size] for a batch.',
      items: { type: 'integer', minimum: 1 },
      maxItems: 2,
    }).refine((shape) => shape.length > 0, 'Expected one dimension or two, got none'),
    data: z.string().meta({
      description: 'The elements, little-endian and row-major, as padded standard base64.',
      contentEncoding: 'base64',
    }),
  })
  .meta({ id: 'Tensor', description: 'A dense tensor.' })
export type Tensor = z.output<typeof Tensor>

/** Rows of equal length, one after the other. */
export interface Rows {
  values: Float32Array
  rows: number
  vocabSize: number
}

export function decodeTensor({ dtype, shape, data }: Tensor, fault: FaultAt): Rows {
  const bytes = decodeBase64(data)
  if (!bytes) return fault(['data'], 'Expected padded base64')
  const [rows, vocabSize] = [shape.length === 2 ? shape[0]! : 1, shape.at(-1)!]
  const { bytes: width, decode } = decoders[dtype]
  const expected = rows * vocabSize * width
  if (bytes.length !== expected) {
    const takes = `Shape [${shape}] of ${dtype} takes ${expected} bytes`
    return fault(['data'], `${takes}, got ${bytes.length}`)
  }
  return { values: decode(bytes.buffer as ArrayBuffer), rows, vocabSize }
}

/** NaN is none either. */
const isLogit = (value: number) => value < Number.POSITIVE_INFINITY

/** Where the first element is that is no logit; −1 when all are. */
export function findFaulty(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!isLogit(values[i]!)) return i
  return -1
}

/** Copy logits as float32; where the first is that is none, −1 when all are. */
export function copyLogits(given: readonly unknown[], values: Float32Array): number {
  for (let id = 0; id < values.length; id++) {
    const value = given[id]
    if (typeof value === 'number') values[id] = value
    else if (value === '-Infinity') values[id] = Number.NEGATIVE_INFINITY
    else return id
    // Beyond float32's range a number rounds to an infinity; the upper one is no logit.
    if (!isLogit(values[id]!)) return id
  }
  return -1
}

const element = { anyOf: [{ type: 'number' }, { const: '-Infinity' }] } as const
/** A row as JSON. */
export const rowSchema = { type: 'array', minItems: 1, items: element } as const
/** Written out, because the catalogue has no components to refer to. */
const tensorSchema = z.toJSONSchema(Tensor, { io: 'input' }).$defs!.Tensor!

/** Logits of another model or prompt: a row, or for a batch a row for each of its rows. */
export function logitRows(description: string) {
  return parsed(
    {
      description,
      anyOf: [rowSchema, { type: 'array', minItems: 1, items: rowSchema }, tensorSchema],
    },
    (value, fault): Float32Array | Float32Array[] => {
      if (!Array.isArray(value)) return parseTensor(value, fault)
      if (!Array.isArray(value[0])) return parseRow(value, fault, [])
      if (value.length > MAX_SEQUENCES) {
        fault([], `Expected at most ${MAX_SEQUENCES} rows, got ${value.length}`)
      }
      return (value as unknown[]).map((row, index) => parseRow(row, fault, [index]))
    },
  )
    .register(vocabularyChecks, {
      misfit(value, vocabSize) {
        const rows = Array.isArray(value) ? (value as Float32Array[]) : [value as Float32Array]
        const misfit = rows.find((row) => row.length !== vocabSize)
        if (!misfit) return undefined
        const detail = `Expected ${vocabSize} logits for a row, like its own, got ${misfit.length}`
        return { path: [], detail, code: 'VOCABULARY_MISMATCH' }
      },
    })
    .register(perRow, { split: listOrSame })
}

function parseRow(value: unknown, fault: FaultAt, path: (string | number)[]): Float32Array {
  if (!Array.isArray(value)) fault(path, `Expected an array, got ${describeValue(value)}`)
  const given = value as unknown[]
  const row = new Float32Array(given.length)
  const faulty = copyLogits(given, row)
  if (faulty >= 0) {
    const got = describeValue(given[faulty])
    fault([...path, faulty], `Expected a number below +Infinity or "-Infinity", got ${got}`)
  }
  if (!row.some((logit) => logit > Number.NEGATIVE_INFINITY)) {
    fault(path, 'Expected at least one logit above -Infinity, got none')
  }
  return row
}

function parseTensor(value: unknown, fault: FaultAt): Float32Array | Float32Array[] {
  const parsed = Tensor.safeParse(value)
  if (!parsed.success) {
    const [{ path, message }] = parsed.error.issues as [z.core.$ZodIssue]
    return fault(path as (string | number)[], message)
  }
  const { values, rows, vocabSize } = decodeTensor(parsed.data, fault)
  const faulty = findFaulty(values)
  if (faulty >= 0) {
    fault(['data'], `Expected numbers below +Infinity, got ${values[faulty]} at index ${faulty}`)
  }
  const batch = Array.from({ length: rows }, (_, index) =>
    values.subarray(index * vocabSize, (index + 1) * vocabSize),
  )
  if (batch.some((row) => row.every((logit) => logit === Number.NEGATIVE_INFINITY))) {
    fault(['data'], 'Expected at least one logit above -Infinity in each row, got none')
  }
  return parsed.data.shape.length === 1 ? batch[0]! : batch
}
