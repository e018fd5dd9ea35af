import * as z from 'zod'
import type { Bytes } from '../tensors/bytes.ts'
import { type Dtype, dtypes, widths } from '../tensors/dtypes.ts'
import { Elements } from '../tensors/elements.ts'
import type { Source } from '../tensors/source.ts'
import { base64 } from './base64.ts'
import type { Batch, DenseBatch } from './batch.ts'
import { list } from './list.ts'
import { type FaultAt, parsePart } from './parsed.ts'
import { MAX_SEQUENCES } from './registries.ts'

/** The shape of a tensor that is a row or a batch of rows. */
export function shapeField(description: string) {
  return list(z.int().min(1), {
    description,
    minItems: 1,
    maxItems: 2,
  }).refine((shape) => shape.length > 0, 'Expected one dimension or two, got none')
}

const described = {
  dtype: z.enum(dtypes).meta({ title: 'Dtype', description: 'Element type.' }),
  shape: shapeField('[vocabulary size] for a row, [rows, vocabulary size] for a batch.'),
}

export const Tensor = z
  .strictObject({
    ...described,
    data: base64('The elements, little-endian and row-major, as padded standard base64.'),
  })
  .meta({ title: 'Tensor', description: 'A dense tensor.' })

export const SharedTensor = z
  .strictObject({
    ...described,
    shared_memory: z
      .strictObject({
        name: z.string().meta({
          description: 'Name of the file in SHARED_MEMORY_DIR, or of the object of shm_open.',
        }),
        offset: z.int().min(0).default(0).meta({
          description: 'Position of the first element in the file, in bytes. Omitted: 0.',
        }),
      })
      .meta({
        title: 'SharedMemory',
        description: 'Where the elements lie, little-endian and row-major.',
      }),
  })
  .meta({
    title: 'SharedTensor',
    description: 'A dense tensor in memory that client and server share.',
  })
export type SharedTensor = z.output<typeof SharedTensor>

/** Rows and vocabulary size of a shape with one or two dimensions. Limits the rows, because each takes memory even if it is short. */
export function readShape(
  shape: readonly number[],
  fault: (message: string) => never,
): { rows: number; vocabSize: number } {
  const [rows, vocabSize] = [shape.length === 2 ? shape[0]! : 1, shape.at(-1)!]
  if (rows > MAX_SEQUENCES) fault(`Expected at most ${MAX_SEQUENCES} rows, got ${rows}`)
  return { rows, vocabSize }
}

/** The number of bytes of a tensor. */
export function byteLengthOf(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, widths[dtype])
}

/** The rows of a tensor whose elements are read from a source when a row is loaded. */
export function toStoredBatch(
  dtype: Dtype,
  shape: readonly number[],
  source: Source,
  fault: (message: string) => never,
): DenseBatch {
  const { rows, vocabSize } = readShape(shape, fault)
  return batchOf(Elements.stored(dtype, source, 0, rows * vocabSize), shape)
}

/** The rows of a tensor with these elements. */
function batchOf(elements: Elements, shape: readonly number[]): DenseBatch {
  const vocabSize = shape.at(-1)!
  const length = elements.length / vocabSize
  return {
    rows: Array.from({ length }, (_, row) => elements.slice(row * vocabSize, vocabSize)),
    vocabSize,
    isBatch: shape.length === 2,
    pathOf: () => [],
  }
}

/** The rows of a tensor; `shape` has one or two dimensions. */
export function toBatch(
  dtype: Dtype,
  shape: readonly number[],
  { pieces, length }: Bytes,
  fault: (message: string) => never,
): DenseBatch {
  const { rows, vocabSize } = readShape(shape, fault)
  const expected = byteLengthOf(dtype, shape)
  if (length !== expected) {
    fault(`Shape [${shape}] of ${dtype} takes ${expected} bytes, got ${length}`)
  }
  return batchOf(new Elements(dtype, pieces, rows * vocabSize), shape)
}

export function parseTensor(value: object, fault: FaultAt): Batch {
  const { dtype, shape, data } = parsePart(Tensor, value)
  const batch = toBatch(dtype, shape, data, (message) => fault(['data'], message))
  return { ...batch, pathOf: () => ['data'] }
}
