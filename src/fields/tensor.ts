import * as z from 'zod'
import type { Bytes } from '../tensors/bytes.ts'
import { type Dtype, dtypes, widths } from '../tensors/dtypes.ts'
import { Elements } from '../tensors/elements.ts'
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

export const Tensor = z
  .strictObject({
    dtype: z.enum(dtypes).meta({ title: 'Dtype', description: 'Element type.' }),
    shape: shapeField('[vocabulary size] for a row, [rows, vocabulary size] for a batch.'),
    data: base64('The elements, little-endian and row-major, as padded standard base64.'),
  })
  .meta({ title: 'Tensor', description: 'A dense tensor.' })

/** Rows and vocabulary size of a shape with one or two dimensions. Limits the rows, because each takes memory even if it is short. */
export function readShape(
  shape: readonly number[],
  fault: (message: string) => never,
): { rows: number; vocabSize: number } {
  const [rows, vocabSize] = [shape.length === 2 ? shape[0]! : 1, shape.at(-1)!]
  if (rows > MAX_SEQUENCES) fault(`Expected at most ${MAX_SEQUENCES} rows, got ${rows}`)
  return { rows, vocabSize }
}

/** The rows of a tensor; `shape` has one or two dimensions. */
export function toBatch(
  dtype: Dtype,
  shape: readonly number[],
  { pieces, length }: Bytes,
  fault: (message: string) => never,
): DenseBatch {
  const { rows, vocabSize } = readShape(shape, fault)
  const expected = rows * vocabSize * widths[dtype]
  if (length !== expected) {
    fault(`Shape [${shape}] of ${dtype} takes ${expected} bytes, got ${length}`)
  }
  const all = new Elements(dtype, pieces, rows * vocabSize)
  return {
    rows: Array.from({ length: rows }, (_, row) => all.slice(row * vocabSize, vocabSize)),
    vocabSize,
    isBatch: shape.length === 2,
    pathOf: () => [],
  }
}

export function parseTensor(value: object, fault: FaultAt): Batch {
  const { dtype, shape, data } = parsePart(Tensor, value)
  const batch = toBatch(dtype, shape, data, (message) => fault(['data'], message))
  return { ...batch, pathOf: () => ['data'] }
}
