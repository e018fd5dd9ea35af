import { realisticRow, seeded } from '../test/sampling/rows.ts'
import { prepare } from './client.ts'

/** Requests as inference servers send them. Several rows alternate. */
export interface Scenario {
  name: string
  /** What the bare server does with the body that Kelvin is compared with. */
  floor: 'copy' | 'parse'
  /** Target: the largest ratio to the latency and processor time of that server, with one connection. */
  limit?: number
  requests: Buffer[]
}

const V = 128_256
const ROWS = 8
const OCTETS = 'application/octet-stream'
const params = { temperature: 0.8, top_k: 40, top_p: 0.95, seed: 42 }
const query = new URLSearchParams(Object.entries(params).map(([k, v]) => [k, String(v)]))
const url = `/v1/sample?${query}`

const random = seeded(V)
const rowsOf = (vocabSize: number) =>
  Array.from({ length: ROWS }, () => realisticRow(vocabSize, random))
const bytesOf = ({ buffer }: { buffer: ArrayBufferLike }) => Buffer.from(buffer as ArrayBuffer)

const json = (row: Float32Array) =>
  prepare(
    '/v1/sample',
    'application/json',
    Buffer.from(JSON.stringify({ logits: Array.from(row), ...params })),
  )

/** A request of the Open Inference Protocol, with a binary tensor after the JSON. */
function infer(row: Float32Array): Buffer {
  const header = JSON.stringify({
    inputs: [
      {
        name: 'logits',
        shape: [1, row.length],
        datatype: 'FP32',
        parameters: { binary_data_size: row.byteLength },
      },
    ],
    parameters: { ...params, binary_data_output: true },
  })
  const body = Buffer.concat([Buffer.from(header), bytesOf(row)])
  return prepare('/v2/models/sample/infer', OCTETS, body, {
    'inference-header-content-length': header.length,
  })
}

const large = rowsOf(V)

export const float32: Scenario = {
  name: 'float32 octets, 513 kB',
  floor: 'copy',
  limit: 1.6,
  requests: large.map((row) => prepare(url, OCTETS, bytesOf(row))),
}

export const wholeRow: Scenario = {
  name: 'JSON, whole row, 2.4 MB',
  floor: 'parse',
  requests: large.map(json),
}

export const batch: Scenario = {
  name: 'float32 octets, 32 rows, 16 MB',
  floor: 'copy',
  requests: [
    prepare(
      `${url}&shape=32,${V}`,
      OCTETS,
      Buffer.concat(Array.from({ length: 32 }, (_, i) => bytesOf(large[i % ROWS]!))),
    ),
  ],
}

export const scenarios: Scenario[] = [
  float32,
  {
    name: 'float16 octets, 257 kB',
    floor: 'copy',
    requests: large.map((row) =>
      prepare(`${url}&dtype=float16`, OCTETS, bytesOf(new Float16Array(row))),
    ),
  },
  { name: '/v2 binary, 513 kB', floor: 'copy', limit: 1.8, requests: large.map(infer) },
  { name: 'JSON, 48 logits, 1 kB', floor: 'parse', limit: 2, requests: rowsOf(48).map(json) },
  {
    name: 'float32 octets, 256 logits, 1 kB',
    floor: 'copy',
    requests: rowsOf(256).map((row) => prepare(url, OCTETS, bytesOf(row))),
  },
  wholeRow,
]
