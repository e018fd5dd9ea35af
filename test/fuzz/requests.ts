import { deflateSync, gzipSync } from 'node:zlib'

/** Requests that are answered with 200, one for each way to ask. */

/** Behind it the server closes the connection. */
export const last = Buffer.from('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')

const row = Float32Array.from([2, 1, 0.5, -1, -3])
const bytes = Buffer.from(row.buffer)
const fields = { temperature: 0.8, top_k: 3, seed: 42, trace: true }

export function post(
  url: string,
  type: string,
  body: Buffer | string,
  headers: Record<string, string | number> = {},
): Buffer {
  const content = Buffer.from(body)
  const all = { host: 'x', 'content-type': type, 'content-length': content.length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${url} HTTP/1.1\r\n${lines.join('')}\r\n`), content])
}

const JSON_TYPE = 'application/json'
const OCTETS = 'application/octet-stream'

export const json = (value: unknown) => post('/v1/sample', JSON_TYPE, JSON.stringify(value))

const input = { name: 'logits', shape: [1, 5], datatype: 'FP32' }
const described = JSON.stringify({
  inputs: [{ ...input, parameters: { binary_data_size: 20 } }],
  parameters: { temperature: 0.8, binary_data_output: true },
})

export const inferBinary = (headerLength: number | string, body: Buffer | string) =>
  post('/v2/models/sample/infer', OCTETS, body, { 'inference-header-content-length': headerLength })

const text = JSON.stringify({ logits: [...row], ...fields })
const chunked = `POST /v1/probabilities HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`

export const valid: readonly Buffer[] = [
  json({ logits: [...row], ...fields }),
  json({ logits: [[...row], [...row].reverse()], rows: [{}, { top_p: 0.5 }], ...fields }),
  json({ logits: { dtype: 'float32', shape: [5], data: bytes.toString('base64') }, ...fields }),
  json({ logits: { vocab_size: 9, token_ids: [1, 5], values: [2, 1] }, logit_bias: { 1: 2 } }),
  post('/v1/sample?temperature=0.7&top_p=0.9&shape=1,5&seed=1', OCTETS, bytes),
  post('/v1/probabilities?dtype=float64', OCTETS, Buffer.from(Float64Array.from(row).buffer)),
  post('/v1/sample', JSON_TYPE, gzipSync(text), { 'content-encoding': 'gzip' }),
  post('/v1/sample', JSON_TYPE, deflateSync(text), { 'content-encoding': 'deflate' }),
  Buffer.from(`${chunked}${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`),
  post(
    '/v2/models/sample/infer',
    JSON_TYPE,
    JSON.stringify({ inputs: [{ ...input, data: [...row] }] }),
  ),
  inferBinary(described.length, Buffer.concat([Buffer.from(described), bytes])),
  Buffer.from('GET /v1/samplers HTTP/1.1\r\nhost: x\r\n\r\n'),
  Buffer.from('GET /playground/main.ts HTTP/1.1\r\nhost: x\r\naccept-encoding: br\r\n\r\n'),
]
