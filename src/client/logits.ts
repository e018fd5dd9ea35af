import type { Batch, Dtype, Row, SharedTensor, Tensor } from './rows.ts'
import type { SparseLogits } from './types.ts'

/** Logits that a request has as they are given. */
export type Described = SparseLogits | SharedTensor

export type Logits = Row | Tensor | Described

/** Logits in the form in which they are sent. */
export interface Packed {
  dtype: Dtype
  shape: readonly number[]
  /** Consecutive parts of the elements. */
  pieces: readonly Uint8Array[]
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
  return { dtype, shape: [(view as Float32Array).length], pieces: [bytesOf(view)] }
}

function packRows(rows: readonly Row[]): Packed {
  const packed = rows.map(packRow)
  const [first] = packed
  if (!first) throw new TypeError('Expected at least one row')
  const { dtype, shape } = first
  const odd = packed.findIndex((row) => row.dtype !== dtype || row.shape[0] !== shape[0])
  if (odd >= 0) throw new TypeError(`Row ${odd} differs from the first in type or length`)
  const pieces = packed.flatMap((row) => row.pieces)
  return { dtype, shape: [rows.length, ...shape], pieces }
}

const isRow = (logits: Batch): logits is Row =>
  ArrayBuffer.isView(logits) || (Array.isArray(logits) && typeof logits[0] === 'number')

/** Packs logits. It copies only arrays of numbers. */
export function pack(logits: Batch): Packed {
  if (isRow(logits)) return packRow(logits)
  if (!('dtype' in logits)) return packRows(logits)
  const { dtype, shape, data } = logits
  return { dtype, shape, pieces: [bytesOf(data)] }
}

/** The bytes of packed logits. Only a batch of separate rows is copied. */
export const join = ({ pieces }: Packed): Uint8Array =>
  pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)

export const isDescribed = (logits: Batch | Described): logits is Described =>
  'vocab_size' in logits || 'shared_memory' in logits
