import type { Fields, Vocabulary } from '../types.ts'
import { type Given, rowsOf } from './rows.ts'
import { Unusable } from './unusable.ts'

/** Logits in JSON, in each form that the API takes. */

function toRow(list: readonly unknown[], where: string): Float32Array {
  return Float32Array.from(list, (item, index) => {
    if (typeof item === 'number') return item
    if (item === '-Infinity' || item === '-inf') return Number.NEGATIVE_INFINITY
    const hint = item === null ? '; null often stands for NaN' : ''
    throw new Unusable(`Expected a number at ${where}index ${index}${hint}`)
  })
}

function listRows(list: readonly unknown[]): Float32Array[] {
  if (!Array.isArray(list[0])) return [toRow(list, '')]
  return list.map((row, index) => {
    if (Array.isArray(row)) return toRow(row, `row ${index}, `)
    throw new Unusable(`Row ${index} is not a list of numbers`)
  })
}

/** Turns the bytes of a tensor into float32. */
const decoders: Readonly<Record<string, (bytes: ArrayBuffer) => Float32Array>> = {
  float32: (bytes) => new Float32Array(bytes),
  float64: (bytes) => Float32Array.from(new Float64Array(bytes)),
  float16: (bytes) => Float32Array.from(new Float16Array(bytes)),
  // bfloat16 is the upper half of float32.
  bfloat16: (bytes) =>
    new Float32Array(Uint32Array.from(new Uint16Array(bytes), (word) => word << 16).buffer),
}
const widths: Readonly<Record<string, number>> = { float32: 4, float64: 8, float16: 2, bfloat16: 2 }

interface Tensor {
  dtype?: unknown
  shape?: unknown
  data?: unknown
}

function tensorRows({ dtype = 'float32', shape, data }: Tensor): Float32Array[] {
  const decode = decoders[String(dtype)]
  if (!decode) throw new Unusable(`The dtype must be one of ${Object.keys(decoders).join(', ')}`)
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = Uint8Array.fromBase64(String(data))
  } catch {
    throw new Unusable('The data of the tensor is not base64')
  }
  const sizes = Array.isArray(shape) ? (shape as number[]) : [bytes.length / widths[String(dtype)]!]
  const expected = sizes.reduce((product, size) => product * size, widths[String(dtype)]!)
  if (sizes.length < 1 || sizes.length > 2 || expected !== bytes.length) {
    throw new Unusable(
      `The shape of the tensor takes ${expected} bytes, and it has ${bytes.length}`,
    )
  }
  return cut(decode(bytes.buffer), sizes.at(-1)!)
}

function cut(values: Float32Array, length: number): Float32Array[] {
  return Array.from({ length: values.length / length }, (_, row) =>
    values.subarray(row * length, (row + 1) * length),
  )
}

interface Sparse {
  vocab_size?: unknown
  token_ids?: unknown
  values?: unknown
}

/** A sparse row as a whole one. The tokens left out are out of play. */
function sparseRow({ token_ids, values }: Sparse, vocabSize: number): Float32Array {
  const ids = Array.isArray(token_ids) ? (token_ids as number[]) : []
  const given = Array.isArray(values) ? toRow(values, '') : new Float32Array()
  const bad = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize)
  if (bad >= 0) throw new Unusable(`The token id at index ${bad} is not in the vocabulary`)
  if (ids.length !== given.length || ids.length === 0) {
    throw new Unusable(
      `There are ${ids.length} token_ids and ${given.length} values; give one value for each`,
    )
  }
  const row = new Float32Array(vocabSize).fill(Number.NEGATIVE_INFINITY)
  ids.forEach((id, i) => {
    row[id] = given[i]!
  })
  return row
}

/** The largest vocabulary of a sparse row on the page. */
const LARGEST = 2 ** 20

function sparseRows(sparse: Sparse): Float32Array[] {
  const isBatch = Array.isArray(sparse.token_ids) && Array.isArray(sparse.token_ids[0])
  const ids = (sparse.token_ids as number[]).flat()
  const size = typeof sparse.vocab_size === 'number' ? sparse.vocab_size : Math.max(...ids) + 1
  if (!(size > 0 && size <= LARGEST)) {
    throw new Unusable(`The page shows sparse rows of at most ${LARGEST} tokens`)
  }
  if (!isBatch) return [sparseRow(sparse, size)]
  const { token_ids, values } = sparse as { token_ids: unknown[]; values: unknown[] }
  return token_ids.map((row, i) => sparseRow({ token_ids: row, values: values?.[i] }, size))
}

export function logitsRows(logits: unknown): Float32Array[] {
  if (Array.isArray(logits)) return listRows(logits)
  if (typeof logits !== 'object' || logits === null) {
    throw new Unusable('The request has no logits; give a list of numbers as “logits”')
  }
  if ('shared_memory' in logits) {
    throw new Unusable('The page cannot read shared memory; open the file of the logits instead')
  }
  if ('data' in logits) return tensorRows(logits)
  if ('token_ids' in logits && Array.isArray(logits.token_ids)) return sparseRows(logits)
  throw new Unusable('The logits have none of the forms that the API takes')
}

/** A request of the Open Inference Protocol, as a request of /v1. */
function fromInference({ inputs, parameters }: { inputs: unknown; parameters?: unknown }) {
  const all = inputs as { name?: string; datatype?: string; shape?: number[]; data?: unknown }[]
  const logits = all.find(({ name }) => name === 'logits')
  if (!Array.isArray(logits?.data)) {
    throw new Unusable('The request has no input “logits” with its data in JSON')
  }
  const values = toRow((logits.data as unknown[]).flat(), '')
  const length = logits.shape?.at(-1) ?? values.length
  return { rows: cut(values, length), fields: (parameters ?? {}) as Fields }
}

const FIELDS_OF_ANSWER = ['return_probabilities', 'encoding', 'trace', 'rows']

function settings(fields: Fields): Fields {
  const kept = Object.entries(fields).filter(([name]) => !FIELDS_OF_ANSWER.includes(name))
  return Object.fromEntries(kept)
}

/** Whether JSON is a request. */
export const isRequest = (value: object): value is { logits?: unknown; inputs?: unknown } =>
  'logits' in value || ('inputs' in value && Array.isArray(value.inputs))

export function readRequest(
  name: string,
  value: { logits?: unknown; inputs?: unknown },
): { rows: Given; words?: Vocabulary } {
  if (!('logits' in value)) {
    const { rows, fields } = fromInference(value as { inputs: unknown })
    return { rows: rowsOf(name, rows, () => settings(fields)) }
  }
  const { logits, words, ...fields } = value as Fields
  const each = Array.isArray(fields.rows) ? (fields.rows as Fields[]) : []
  const rows = rowsOf(name, logitsRows(logits), (index) => settings({ ...fields, ...each[index] }))
  // A file that the page has saved has the words, too.
  return Array.isArray(words) ? { rows, words: { name, words: words as string[] } } : { rows }
}
