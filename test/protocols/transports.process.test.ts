import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readRows } from '../golden/read.ts'
import { startServer } from '../server.ts'

/** The same request gives the same numbers, to the last bit, in every protocol. */

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const server = await startServer({ LOG_LEVEL: 'info', SHARED_MEMORY_DIR: folder })
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

type Params = Record<string, number | string | boolean>

interface Answer {
  tokens: number[]
  logprobs: number[]
  probabilities: Float32Array
}

/** Sends rows with parameters. Returns the answer of each row. */
type Transport = (rows: Float32Array[], params: Params) => Promise<Answer[]>

async function post(path: string, body: BodyInit, headers: Record<string, string>) {
  const response = await fetch(server.url + path, { method: 'POST', body, headers })
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (!response.ok) throw new Error(new TextDecoder().decode(bytes))
  return { bytes, headers: response.headers }
}

const octets = { 'content-type': 'application/octet-stream' }
const json = { 'content-type': 'application/json' }

/** Numbers that all dtypes represent exactly: those of bfloat16, except those too small for float16. */
function commonRows(count: number): Float32Array[] {
  const halves = (logit: number) => {
    const [word] = new Uint32Array(Float32Array.of(logit).buffer)
    return new Float32Array(Uint32Array.of(word! & 0xffff0000).buffer)[0]!
  }
  const rounded = (logit: number) => (Math.abs(logit) < 2 ** -6 ? 0 : halves(logit))
  return readRows('synth_32000')
    .rows.slice(0, count)
    .map((row) => row.map(rounded))
}

const encoders = {
  float32: (row: Float32Array) => row,
  float64: (row: Float32Array) => new Float64Array(row),
  float16: (row: Float32Array) => new Float16Array(row),
  bfloat16: (row: Float32Array) =>
    new Uint16Array(new Uint32Array(row.slice().buffer).map((word) => word >>> 16)),
}
type Dtype = keyof typeof encoders
const dtypes = Object.keys(encoders) as Dtype[]

function pack(rows: Float32Array[], dtype: Dtype): Buffer<ArrayBuffer> {
  return Buffer.concat(
    rows.map((row) => {
      const { buffer, byteOffset, byteLength } = encoders[dtype](row)
      return new Uint8Array(buffer, byteOffset, byteLength)
    }),
  )
}

interface Result {
  token_ids: number[]
  logprobs: number[]
  probabilities: number[] | { data: string }
}

function readResults(bytes: Uint8Array): Answer[] {
  const { results } = JSON.parse(new TextDecoder().decode(bytes)) as { results: Result[] }
  return results.map(({ token_ids, logprobs, probabilities }) => ({
    tokens: token_ids,
    logprobs: logprobs.map(Math.fround),
    probabilities: Array.isArray(probabilities)
      ? Float32Array.from(probabilities)
      : new Float32Array(Uint8Array.fromBase64(probabilities.data).buffer),
  }))
}

const throughJson =
  (write: (logits: unknown, params: Params) => string, encoding: string): Transport =>
  async (rows, params) => {
    const logits = rows.length === 1 ? Array.from(rows[0]!) : rows.map((row) => Array.from(row))
    const all = { ...params, return_probabilities: 'all', encoding }
    return readResults((await post('/v1/sample', write(logits, all), json)).bytes)
  }

async function throughTensor(logits: object, params: Params): Promise<Answer[]> {
  const all = { ...params, return_probabilities: 'all', encoding: 'base64', logits }
  return readResults((await post('/v1/sample', JSON.stringify(all), json)).bytes)
}

const throughBase64 =
  (dtype: Dtype): Transport =>
  async (rows, params) => {
    const shape = [rows.length, rows[0]!.length]
    const logits = { dtype, shape, data: pack(rows, dtype).toString('base64') }
    return throughTensor(logits, params)
  }

const throughSharedMemory =
  (dtype: Dtype): Transport =>
  async (rows, params) => {
    const name = `logits-${randomUUID()}`
    // A place that is aligned for no dtype.
    const offset = 3
    writeFileSync(join(folder, name), Buffer.concat([Buffer.alloc(offset), pack(rows, dtype)]))
    const shape = [rows.length, rows[0]!.length]
    return throughTensor({ dtype, shape, shared_memory: { name, offset } }, params)
  }

const throughOctets =
  (dtype: Dtype, headers: Record<string, string> = {}): Transport =>
  async (rows, params) => {
    const query = new URLSearchParams({
      ...Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)])),
      dtype,
      shape: `${rows.length},${rows[0]!.length}`,
      return_probabilities: 'all',
    })
    const tensor = pack(rows, dtype)
    const body = headers['content-encoding'] ? gzipSync(tensor) : tensor
    return readResults((await post(`/v1/sample?${query}`, body, { ...octets, ...headers })).bytes)
  }

const datatypes = { float32: 'FP32', float64: 'FP64', float16: 'FP16', bfloat16: 'BF16' }
const wanted = ['token_ids', 'logprobs', 'probabilities'].map((name) => ({ name }))

interface Output {
  name: string
  shape: number[]
  data?: number[]
  parameters?: {
    binary_data_size?: number
    shared_memory_offset?: number
    shared_memory_byte_size?: number
  }
}

/** Reads outputs from an answer, or from `memory` if they lie there. */
function readOutputs(
  bytes: Uint8Array,
  headers: Headers,
  rows: number,
  memory?: Uint8Array,
): Answer[] {
  const length = Number(headers.get('inference-header-content-length') ?? bytes.length)
  const { outputs } = JSON.parse(new TextDecoder().decode(bytes.subarray(0, length))) as {
    outputs: Output[]
  }
  let at = length
  const lists = Object.fromEntries(
    outputs.map(({ name, data, parameters }): [string, number[]] => {
      if (data) return [name, data]
      const { binary_data_size, shared_memory_offset, shared_memory_byte_size } = parameters!
      const size = binary_data_size ?? shared_memory_byte_size!
      const from = shared_memory_offset ?? at
      const { buffer } = Uint8Array.from((memory ?? bytes).subarray(from, from + size))
      at += size
      if (name === 'token_ids') return [name, Array.from(new BigInt64Array(buffer), Number)]
      return [name, Array.from(new Float32Array(buffer))]
    }),
  )
  return Array.from({ length: rows }, (_, row) => {
    const own = (name: string) => {
      const list = lists[name]!
      return list.slice((row * list.length) / rows, ((row + 1) * list.length) / rows)
    }
    return {
      tokens: own('token_ids'),
      logprobs: own('logprobs').map(Math.fround),
      probabilities: Float32Array.from(own('probabilities')),
    }
  })
}

/** Inference with logits and outputs in one region. */
const throughRegion =
  (dtype: Dtype): Transport =>
  async (rows, params) => {
    const name = `region-${randomUUID()}`
    const tensor = pack(rows, dtype)
    const room = 8 * rows.length * (rows[0]!.length + 8)
    const size = 3 + tensor.length + wanted.length * room
    const file = join(folder, name)
    writeFileSync(file, Buffer.concat([Buffer.alloc(3), tensor], size))
    const region = `/v2/systemsharedmemory/region/${name}`
    await post(`${region}/register`, JSON.stringify({ key: name, byte_size: size }), json)
    const part = (length: number, offset: number) => ({
      shared_memory_region: name,
      shared_memory_byte_size: length,
      shared_memory_offset: offset,
    })
    const request = {
      parameters: params,
      inputs: [
        {
          name: 'logits',
          shape: [rows.length, rows[0]!.length],
          datatype: datatypes[dtype],
          parameters: part(tensor.length, 3),
        },
      ],
      outputs: wanted.map((output, index) => ({
        ...output,
        parameters: part(room, 3 + tensor.length + index * room),
      })),
    }
    const { bytes, headers } = await post('/v2/models/sample/infer', JSON.stringify(request), json)
    const written = readFileSync(file)
    await post(`${region}/unregister`, '', json)
    return readOutputs(bytes, headers, rows.length, written)
  }

const throughInfer =
  (dtype: Dtype, binary: boolean): Transport =>
  async (rows, params) => {
    const tensor = pack(rows, dtype)
    const input = {
      name: 'logits',
      shape: [rows.length, rows[0]!.length],
      datatype: datatypes[dtype],
      ...(binary
        ? { parameters: { binary_data_size: tensor.length } }
        : { data: rows.flatMap((row) => Array.from(row)) }),
    }
    const request = {
      parameters: { ...params, binary_data_output: binary },
      inputs: [input],
      outputs: wanted,
    }
    const header = Buffer.from(JSON.stringify(request))
    const { bytes, headers } = await post(
      '/v2/models/sample/infer',
      binary ? Buffer.concat([header, tensor]) : header,
      binary ? { 'inference-header-content-length': String(header.length) } : json,
    )
    return readOutputs(bytes, headers, rows.length)
  }

const pretty = (logits: unknown, params: Params) => JSON.stringify({ ...params, logits }, null, 2)
const plain = (logits: unknown, params: Params) => JSON.stringify({ logits, ...params })

const transports: Record<string, Transport> = {
  'JSON, answered in base64': throughJson(plain, 'base64'),
  'JSON, answered in JSON': throughJson(plain, 'json'),
  'JSON with whitespace': throughJson(pretty, 'base64'),
  ...Object.fromEntries(dtypes.map((dtype) => [`base64 ${dtype}`, throughBase64(dtype)])),
  ...Object.fromEntries(dtypes.map((dtype) => [`octets ${dtype}`, throughOctets(dtype)])),
  ...Object.fromEntries(
    dtypes.map((dtype) => [`shared memory ${dtype}`, throughSharedMemory(dtype)]),
  ),
  ...Object.fromEntries(dtypes.map((dtype) => [`region ${dtype}`, throughRegion(dtype)])),
  'octets, compressed': throughOctets('float32', { 'content-encoding': 'gzip' }),
  'Open Inference in JSON': throughInfer('float32', false),
  ...Object.fromEntries(
    dtypes.map((dtype) => [`Open Inference ${dtype}`, throughInfer(dtype, true)]),
  ),
}

const settings: Params[] = [
  { seed: 42, n: 3 },
  { seed: 7, temperature: 0.8, top_k: 40, top_p: 0.95 },
  { seed: 7, temperature: 1.3, top_p: 0.999, min_p: 0.001, step: 5 },
  { seed: 1, typical_p: 0.9, logprobs_mode: 'raw' },
  { seed: '18446744073709551615', xtc_probability: 0.5, xtc_threshold: 0.05, n: 2 },
  { seed: 3, temperature: 0 },
]

const rows = commonRows(4)
const [reference] = Object.values(transports)

describe.each(settings)('%j', (params) => {
  const together = reference!(rows, params)

  it.each(Object.keys(transports))('%s: a batch, and each of its rows alone', async (name) => {
    const transport = transports[name]!
    const expected = await together
    expect(await transport(rows, params)).toEqual(expected)
    for (const [stream, row] of rows.entries()) {
      expect(await transport([row], { ...params, stream })).toEqual([expected[stream]])
    }
  })
})
