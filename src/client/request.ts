import { type Described, isDescribed, join, pack } from './logits.ts'
import type { Batch } from './rows.ts'

/** A request in the form in which it is sent. */
export interface Wire {
  path: string
  type: string
  body: string | Uint8Array
}

/** A request whose logits are written into a file. */
export interface SharedWire {
  logits: readonly Uint8Array[]
  /** The request itself, with the name of the file. */
  naming(file: string): Wire
}

/**
 * Longest query in characters, without `dtype` and `shape`. Servers and proxies accept only a few kilobytes of headers, so
 * longer fields go into the body.
 */
const LONGEST_QUERY = 4000

type Params = Readonly<Record<string, unknown>>

const isScalar = (value: unknown) => /^(string|number|bigint|boolean)$/.test(typeof value)

/** Whether a value is a number that has already lost digits. */
const isRounded = (value: unknown) =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)

/** The text of a field in a query, or `undefined` if a query cannot contain it. */
function toText(value: unknown): string | undefined {
  // Such a number is sent in JSON instead. There the server refuses it and says what to send.
  if (isRounded(value)) return undefined
  if (isScalar(value)) return String(value)
  if (!Array.isArray(value) || value.length === 0) return undefined
  const isList = value.every((item) => isScalar(item) && !String(item).includes(','))
  return isList ? value.join() : undefined
}

/** The fields as a query, or `undefined` if a query cannot contain all of them. */
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
  const packed = pack(logits)
  const { dtype, shape } = packed
  return { dtype, shape, data: toBase64(join(packed)) }
}

/** Replaces values that JSON cannot represent by their form in the API. */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  // JSON would have null, which means that the field is omitted.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return toBase64(value)
  const isTensor = 'dtype' in value && 'data' in value && ArrayBuffer.isView(value.data)
  if (ArrayBuffer.isView(value) || isTensor) return toTensor(value as Batch)
  if (Array.isArray(value)) {
    return ArrayBuffer.isView(value[0]) ? toTensor(value as Batch) : value.map(toJson)
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]))
}

/** A request as an object for JSON. */
export function toJsonRequest(logits: Batch | Described, params: Params): object {
  const given = isDescribed(logits) ? toJson(logits) : toTensor(logits)
  return { logits: given, ...(toJson(params) as Params) }
}

export function toJsonWire(path: string, logits: Batch | Described, params: Params): Wire {
  const body = JSON.stringify(toJsonRequest(logits, params))
  return { path, type: 'application/json', body }
}

/** Writes dense logits into a file. */
export function toSharedWire(
  path: string,
  logits: Batch | Described,
  params: Params,
): Wire | SharedWire {
  if (isDescribed(logits)) return toJsonWire(path, logits, params)
  const { dtype, shape, pieces } = pack(logits)
  return {
    logits: pieces,
    naming: (name) => toJsonWire(path, { dtype, shape, shared_memory: { name } }, params),
  }
}

/** Sends dense logits as raw bytes if the other fields fit into a query. Otherwise the whole request is JSON. */
export function toWire(url: string, logits: Batch | Described, params: Params): Wire {
  const query = toQuery(params)
  if (isDescribed(logits) || !query) return toJsonWire(url, logits, params)
  const packed = pack(logits)
  query.set('dtype', packed.dtype)
  query.set('shape', packed.shape.join())
  return { path: `${url}?${query}`, type: 'application/octet-stream', body: join(packed) }
}
