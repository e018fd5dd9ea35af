import type { Batch, Dtype, Row, Tensor } from './rows.ts'
import type { SparseLogits } from './types.ts'

export type Logits = Row | Tensor | SparseLogits

/** Logits in the form in which they are sent. */
export interface Packed {
  dtype: Dtype
  shape: readonly number[]
  bytes: Uint8Array
}

const dtypes: Readonly<Record<string, Dtype>> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Float16Array: 'float16',
  Uint16Array: 'bfloat16',
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength)

function packRow(row: Row): Packed {
  // Kelvin computes with float32, so this loses nothing.
  const view = ArrayBuffer.isView(row) ? row : Float32Array.from(row)
  const dtype = dtypes[(view as Float32Array)[Symbol.toStringTag]]
  if (!dtype) throw new TypeError(`Logits cannot be a ${view.constructor.name}`)
  return { dtype, shape: [(view as Float32Array).length], bytes: bytesOf(view) }
}

function packRows(rows: readonly Row[]): Packed {
  const packed = rows.map(packRow)
  const [first] = packed
  if (!first) throw new TypeError('Expected at least one row')
  const { dtype, shape } = first
  const odd = packed.findIndex((row) => row.dtype !== dtype || row.shape[0] !== shape[0])
  if (odd >= 0) throw new TypeError(`Row ${odd} differs from the first in type or length`)
  const bytes = Buffer.concat(packed.map((row) => row.bytes))
  return { dtype, shape: [rows.length, ...shape], bytes }
}

const isRow = (logits: Batch): logits is Row =>
  ArrayBuffer.isView(logits) || (Array.isArray(logits) && typeof logits[0] === 'number')

/** Packs logits. It copies only arrays of numbers, and batches of separate rows. */
export function pack(logits: Batch): Packed {
  if (isRow(logits)) return packRow(logits)
  if (!('dtype' in logits)) return packRows(logits)
  const { dtype, shape, data } = logits
  return { dtype, shape, bytes: bytesOf(data) }
}

export const isSparse = (logits: Batch | SparseLogits): logits is SparseLogits =>
  'vocab_size' in logits
