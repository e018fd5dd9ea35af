import * as z from 'zod'
import { problemAt } from '../../errors.ts'
import { decodeBase64, list } from '../../sampling/fields.ts'

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

/** A batch of rows of equal length, one after the other. */
export interface Batch {
  values: Float32Array
  rows: number
  vocabSize: number
  /** Where a row is in the request, for errors. */
  pathOf(row: number): PropertyKey[]
}

export function decodeTensor({ dtype, shape, data }: Tensor, path: PropertyKey[]): Batch {
  const bytes = decodeBase64(data)
  if (!bytes) throw problemAt('INVALID_REQUEST', [...path, 'data'], 'Expected padded base64')
  const [rows, vocabSize] = [shape.length === 2 ? shape[0]! : 1, shape.at(-1)!]
  const { bytes: width, decode } = decoders[dtype]
  const expected = rows * vocabSize * width
  if (bytes.length !== expected) {
    const detail = `Shape [${shape}] of ${dtype} takes ${expected} bytes, got ${bytes.length}`
    throw problemAt('INVALID_REQUEST', [...path, 'data'], detail)
  }
  const values = decode(bytes.buffer as ArrayBuffer)
  return { values, rows, vocabSize, pathOf: () => [...path, 'data'] }
}

/** Float32 values as a tensor object. */
export function encodeTensor(values: Float32Array, shape: number[]) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return { dtype: 'float32', shape, data: bytes.toBase64() }
}
