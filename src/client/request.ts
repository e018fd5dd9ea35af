import { isSparse, pack } from './logits.ts'
import type { Batch } from './rows.ts'
import type { SparseLogits } from './types.ts'

/** A request as it is sent. */
export interface Wire {
  path: string
  type: string
  body: string | Uint8Array
}

/** Servers and proxies take heads of some kilobytes; what is longer goes into the body. Type and shape come to it. */
const LONGEST_QUERY = 4000

type Params = Readonly<Record<string, unknown>>

const isScalar = (value: unknown) => /^(string|number|bigint|boolean)$/.test(typeof value)

/** How a field is written in a query, if it can be. */
function toText(value: unknown): string | undefined {
  if (isScalar(value)) return String(value)
  if (!Array.isArray(value) || value.length === 0) return undefined
  const isList = value.every((item) => isScalar(item) && !String(item).includes(','))
  return isList ? value.join() : undefined
}

/** The fields as a query, if all of them can be in one. */
function toQuery(params: Params): URLSearchParams | undefined {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue
    const text = toText(value)
    if (text === undefined) return undefined
    query.set(name, text)
  }
  return query.toString().length > LONGEST_QUERY ? undefined : query
}

const toBase64 = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

function toTensor(logits: Batch) {
  const { dtype, shape, bytes } = pack(logits)
  return { dtype, shape, data: toBase64(bytes) }
}

/** What JSON has no word for, as the API has it. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (value === Number.NEGATIVE_INFINITY) return '-Infinity'
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return toBase64(value)
  const isTensor = 'dtype' in value && 'data' in value && ArrayBuffer.isView(value.data)
  if (ArrayBuffer.isView(value) || isTensor) return toTensor(value as Batch)
  if (Array.isArray(value)) {
    return ArrayBuffer.isView(value[0]) ? toTensor(value as Batch) : value.map(toJson)
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]))
}

/** A request as the object that its JSON is. */
export function toJsonRequest(logits: Batch | SparseLogits, params: Params): object {
  const given = isSparse(logits) ? toJson(logits) : toTensor(logits)
  return { logits: given, ...(toJson(params) as Params) }
}

export function toJsonWire(path: string, logits: Batch | SparseLogits, params: Params): Wire {
  const body = JSON.stringify(toJsonRequest(logits, params))
  return { path, type: 'application/json', body }
}

/** Dense logits go as they are in memory wherever the other fields fit into a query; else all is JSON. */
export function toWire(url: string, logits: Batch | SparseLogits, params: Params): Wire {
  const query = toQuery(params)
  if (isSparse(logits) || !query) return toJsonWire(url, logits, params)
  const { dtype, shape, bytes } = pack(logits)
  query.set('dtype', dtype)
  query.set('shape', shape.join())
  return { path: `${url}?${query}`, type: 'application/octet-stream', body: bytes }
}
