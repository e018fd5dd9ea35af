import fc from 'fast-check'
import { catalogue } from '../../src/request/catalogue.ts'

/** Valid requests, which the fuzz tests change. */

export interface Request {
  path: string
  headers: Record<string, string | number>
  body: Buffer
}

export const JSON_TYPE = { 'content-type': 'application/json' }
export const OCTETS = { 'content-type': 'application/octet-stream' }

/** The bytes of a request, whose length header may be wrong. */
export function toBytes({ path, headers, body }: Request, method = 'POST'): Buffer {
  const all = { host: 'kelvin', 'content-length': body.length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return Buffer.concat([head, body])
}

/** Ordinary numbers, and the smallest and largest ones. */
export const number = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -30, max: 30, noNaN: true }) },
  fc.constantFrom(0, -0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1e38, -1e38, 2 ** 31, 2 ** 53),
)

/** Logits of one row. */
export const row = fc.array(number, { minLength: 1, maxLength: 70 })

/** Settings from the samplers' examples, and extreme ones. */
const settings = [
  ...catalogue().samplers.map(({ example }) => ({ ...example.params, ...example.history })),
  { profile: 'vllm' },
  { profile: 'transformers' },
  { profile: 'llama.cpp' },
  { n: 3 },
  { n: 2, replacement: false },
  { temperature: 0 },
  { temperature: 1e38 },
  { temperature: 1e-38 },
  { top_k: 1 },
  { top_logprobs: 3, logprobs_mode: 'raw' },
  { logprob_token_ids: [0] },
  { trace: true, watch_token_ids: [0] },
  { return_probabilities: 'kept' },
  { return_probabilities: 'none' },
  { encoding: 'base64' },
  { seed: '18446744073709551615', stream: 3, step: 9 },
]

export type Fields = Record<string, unknown>

export const fields: fc.Arbitrary<Fields> = fc
  .subarray(settings, { maxLength: 4 })
  .map((some) => Object.assign({}, ...some))

const dtypes = ['float32', 'float16', 'bfloat16', 'float64'] as const
export type Dtype = (typeof dtypes)[number]
export const dtype = fc.constantFrom(...dtypes)

/** The bytes of some numbers. A narrow type may turn them into infinities. */
export function pack(numbers: readonly number[], type: Dtype): Buffer {
  if (type === 'float64') return Buffer.from(Float64Array.from(numbers).buffer)
  if (type === 'float16') return Buffer.from(Float16Array.from(numbers).buffer)
  const singles = Float32Array.from(numbers)
  if (type === 'float32') return Buffer.from(singles.buffer)
  const words = new Uint32Array(singles.buffer)
  return Buffer.from(Uint16Array.from(words, (word) => word >>> 16).buffer)
}

export const samplingPath = fc.constantFrom('/v1/sample', '/v1/probabilities')
export const inferPath = fc.constantFrom(
  '/v2/models/sample/infer',
  '/v2/models/probabilities/infer',
)

/** Logits in each form that JSON has for them. */
export const logits: fc.Arbitrary<unknown> = fc.oneof(
  row,
  row.map((one) => [one, one]),
  row.map((one) => one.map((value) => (value < -20 ? '-Infinity' : value))),
  fc.tuple(row, dtype).map(([one, type]) => ({
    dtype: type,
    shape: [one.length],
    data: pack(one, type).toString('base64'),
  })),
  fc.tuple(row, fc.boolean()).map(([one, hasSum]) => ({
    vocab_size: 100,
    token_ids: one.map((_, id) => id),
    values: one,
    ...(hasSum && { log_z: 50 }),
  })),
)

/** A JSON body of /v1. */
export const document = fc
  .tuple(logits, fields)
  .map(([given, some]): Fields => ({ logits: given, ...some }))
