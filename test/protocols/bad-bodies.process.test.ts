import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { startServer } from '../server.ts'

/** Bodies that differ from what their heads declare, over raw sockets: each gets a clear error, and the next request works. */

const LIMIT = 4 * 2 ** 20
const server = await startServer({ MAX_BODY_BYTES: String(LIMIT), REQUEST_TIMEOUT_MS: '1500' })
afterAll(() => server.stop())
const { port } = new URL(server.url)

interface Answer {
  status: number
  headers: string
  body: { code?: string; detail?: string; error?: string; errors?: { pointer: string }[] }
}

/** A raw connection. */
class Connection {
  readonly socket: Socket = connect(Number(port), '127.0.0.1')
  #received: Buffer = Buffer.alloc(0)
  /** Whether the server has asked for the body. */
  continued = false

  constructor() {
    this.socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
    this.socket.on('error', () => {})
  }

  send(...parts: (string | Uint8Array)[]): void {
    for (const part of parts) this.socket.write(part)
  }

  async answer(): Promise<Answer> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      const headers = this.#received.subarray(0, Math.max(end, 0)).toString()
      const length = Number(/content-length: (\d+)/i.exec(headers)?.[1] ?? 0)
      if (end >= 0 && this.#received.length >= end + 4 + length) {
        const body = this.#received.subarray(end + 4, end + 4 + length).toString()
        this.#received = this.#received.subarray(end + 4 + length)
        if (headers.includes(' 100 ')) {
          this.continued = true
          continue
        }
        return {
          status: Number(headers.slice(9, 12)),
          headers,
          body: body.startsWith('{') ? JSON.parse(body) : {},
        }
      }
      await once(this.socket, 'data', { signal: AbortSignal.timeout(5000) })
    }
  }
}

const open: Connection[] = []
const connection = () => {
  const opened = new Connection()
  open.push(opened)
  return opened
}
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.destroy()
})

function head(path: string, headers: Record<string, string | number>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\nHost: kelvin\r\n${lines.join('')}\r\n`
}

const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer)
const good = floats(1, 2, 3)
const octets = { 'content-type': 'application/octet-stream' }

/** Expects the right answer to a valid request on a connection that is in use. */
async function expectFine(on: Connection) {
  on.send(head('/v1/sample?temperature=0', { ...octets, 'content-length': good.length }), good)
  const { status, body } = await on.answer()
  expect({ status, body }).toMatchObject({ status: 200, body: { results: [{ token_ids: [2] }] } })
}

const inference = (request: object, ...binary: Uint8Array[]) => {
  const json = Buffer.from(JSON.stringify(request))
  return { length: json.length, body: Buffer.concat([json, ...binary]) }
}
const logits = { name: 'logits', shape: [1, 3], datatype: 'FP32' }
const binaryLogits = { ...logits, parameters: { binary_data_size: 12 } }

interface Case {
  path: string
  headers?: Record<string, string | number>
  body: Uint8Array | string
  status: number
  words: RegExp
}

const bitsOf = (dtype: string, value: number) =>
  ({
    float32: () => new Uint8Array(Float32Array.of(0, 0, value).buffer),
    float64: () => new Uint8Array(Float64Array.of(0, 0, value).buffer),
    float16: () => new Uint8Array(Float16Array.of(0, 0, value).buffer),
    bfloat16: () =>
      new Uint8Array(
        Uint16Array.of(0, 0, new Uint32Array(Float32Array.of(value).buffer)[0]! >>> 16).buffer,
      ),
  })[dtype]!()

const cases: Record<string, Case> = {
  'octets cut within an element': {
    path: '/v1/sample',
    body: good.subarray(0, 11),
    status: 400,
    words: /elements of 4 bytes, got 11/,
  },
  'no octets': { path: '/v1/sample', body: '', status: 400, words: /got 0 bytes/ },
  'fewer octets than the shape takes': {
    path: '/v1/sample?shape=2,3',
    body: good,
    status: 400,
    words: /\[2,3\] of float32 takes 24 bytes, got 12/,
  },
  'more octets than the shape takes': {
    path: '/v1/sample?shape=2',
    body: good,
    status: 400,
    words: /takes 8 bytes, got/,
  },
  'a shape of three dimensions': {
    path: '/v1/sample?shape=1,1,3',
    body: good,
    status: 400,
    words: /at most 2/,
  },
  'a shape that overflows': {
    path: '/v1/sample?shape=9007199254740991,9007199254740991',
    body: good,
    status: 400,
    words: /takes/,
  },
  'a shape of more rows than anybody has': {
    path: '/v1/sample?shape=1048576,1',
    body: Buffer.alloc(LIMIT),
    status: 400,
    words: /at most 65536 rows, got 1048576/,
  },
  'more rows than the limit': {
    path: '/v1/sample?shape=65536,1',
    body: Buffer.alloc(4 * 65536),
    status: 422,
    words: /65536 rows, and the limit is 4096/,
  },
  'a content encoding that every object has': {
    path: '/v1/sample',
    headers: { 'content-encoding': 'constructor' },
    body: good,
    status: 415,
    words: /"constructor": use gzip or deflate/,
  },
  'a shape of no numbers': { path: '/v1/sample?shape=a', body: good, status: 400, words: /"a"/ },
  'an unknown dtype': {
    path: '/v1/sample?dtype=int8',
    body: good,
    status: 400,
    words: /dtype.*"bfloat16", got "int8"/,
  },
  'a misspelt parameter': {
    path: '/v1/sample?temprature=1',
    body: good,
    status: 400,
    words: /did you mean "temperature"/,
  },
  'a parameter given twice': {
    path: '/v1/sample?top_k=1&top_k=2',
    body: good,
    status: 400,
    words: /top_k.*one value, got 2/,
  },
  'a parameter that is no number': {
    path: '/v1/sample?temperature=warm',
    body: good,
    status: 400,
    words: /temperature.*"warm"/,
  },
  ...Object.fromEntries(
    ['float32', 'float64', 'float16', 'bfloat16'].flatMap((dtype) =>
      [Number.NaN, Number.POSITIVE_INFINITY].map((value): [string, Case] => [
        `${value} in ${dtype}`,
        {
          path: `/v1/sample?dtype=${dtype}&shape=2,3`,
          body: Buffer.concat([bitsOf(dtype, 1), bitsOf(dtype, value)]),
          status: 422,
          words: new RegExp(`row 1, index 2, got ${value}`),
        },
      ]),
    ),
  ),
  'no content type': {
    path: '/v1/sample',
    headers: { 'content-type': '' },
    body: good,
    status: 415,
    words: /application\/json or application\/octet-stream/,
  },
  'an unknown content encoding': {
    path: '/v1/sample',
    headers: { 'content-encoding': 'br' },
    body: good,
    status: 415,
    words: /"br": use gzip or deflate/,
  },
  'gzip that is none': {
    path: '/v1/sample',
    headers: { 'content-encoding': 'gzip' },
    body: good,
    status: 400,
    words: /gzip/,
  },
  'gzip cut short': {
    path: '/v1/sample',
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(good).subarray(0, -6),
    status: 400,
    words: /gzip/,
  },
  'a small body that is a large one when decompressed': {
    path: '/v1/sample',
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(64 * LIMIT)),
    status: 413,
    words: /limit is 4194304 bytes/,
  },
  'JSON that ends too early': {
    path: '/v1/sample',
    headers: { 'content-type': 'application/json' },
    body: '{"logits":[1,2',
    status: 400,
    words: /ends too early, after 14 bytes/,
  },
  'a header length that is none': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': 'x' },
    body: good,
    status: 400,
    words: /Inference-Header-Content-Length.*"x"/,
  },
  'a header length beyond the body': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': 13 },
    body: good,
    status: 400,
    words: /Inference-Header-Content-Length/,
  },
  'a negative header length': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': -1 },
    body: good,
    status: 400,
    words: /Inference-Header-Content-Length/,
  },
  'a header length that cuts the JSON': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': 20 },
    body: inference({ inputs: [binaryLogits] }, good).body,
    status: 400,
    words: /ends too early/,
  },
  'fewer binary bytes than announced': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': inference({ inputs: [binaryLogits] }).length },
    body: inference({ inputs: [binaryLogits] }, good.subarray(0, 8)).body,
    status: 400,
    words: /input "logits".*Expected 12 bytes of binary data, got 8/,
  },
  'more binary bytes than announced': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': inference({ inputs: [binaryLogits] }).length },
    body: inference({ inputs: [binaryLogits] }, good, good).body,
    status: 400,
    words: /additional input data: at least 12 bytes/,
  },
  'a shape that its binary data do not fit': {
    path: '/v2/models/sample/infer',
    headers: {
      'inference-header-content-length': inference({ inputs: [{ ...binaryLogits, shape: [2, 3] }] })
        .length,
    },
    body: inference({ inputs: [{ ...binaryLogits, shape: [2, 3] }] }, good).body,
    status: 400,
    words: /takes 24 bytes, got 12/,
  },
  'half precision as JSON': {
    path: '/v2/models/sample/infer',
    body: inference({ inputs: [{ ...logits, datatype: 'FP16', data: [1, 2, 3] }] }).body,
    status: 400,
    words: /FP16 has no JSON form/,
  },
  'a datatype that is none': {
    path: '/v2/models/sample/infer',
    body: inference({ inputs: [{ ...logits, datatype: 'FP8', data: [1, 2, 3] }] }).body,
    status: 400,
    words: /datatype.*got "FP8"/,
  },
  'NaN in an inference request': {
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': 0 },
    body: floats(1, Number.NaN),
    status: 400,
    words: /row 0, index 1, got NaN/,
  },
  'an inference request compressed without end': {
    path: '/v2/models/sample/infer',
    headers: { 'content-encoding': 'gzip', 'inference-header-content-length': 0 },
    body: gzipSync(Buffer.alloc(64 * LIMIT)),
    status: 413,
    words: /limit is 4194304 bytes/,
  },
  ...Object.fromEntries(
    ['banned_token_ids', 'token_bitmask'].map((name): [string, Case] => [
      `objects as ${name}, which cannot be compared`,
      {
        path: '/v2/models/sample/infer',
        body: inference({
          inputs: [
            { ...logits, data: [1, 2, 3] },
            { name, datatype: 'INT32', shape: [1, 1], data: [{ valueOf: 1, toString: 1 }] },
          ],
        }).body,
        status: 400,
        words: /Expected a value at index 0, got an object/,
      },
    ]),
  ),
  'an input that is named like the prototype of objects': {
    path: '/v2/models/sample/infer',
    body: inference({
      inputs: [
        { ...logits, data: [1, 2, 3] },
        { name: '__proto__', datatype: 'FP32', shape: [1], data: { temperature: 0 } },
      ],
    }).body,
    status: 400,
    words: /Unknown field "__proto__"/,
  },
  'an unknown model': {
    path: '/v2/models/llama/infer',
    body: '{}',
    status: 404,
    words: /Unknown model "llama": the models are sample and probabilities/,
  },
}

describe('a bad body gets an answer, and the connection continues', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const { path, headers = {}, body, status, words } = cases[name]!
    const given: Record<string, string | number> = { ...octets, ...headers }
    if (given['content-type'] === '') delete given['content-type']
    const on = connection()
    on.send(head(path, { ...given, 'content-length': Buffer.byteLength(body) }), body)
    const answer = await on.answer()
    expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    expect(answer.body.detail ?? answer.body.error).toMatch(words)
    const type = path.startsWith('/v2') ? 'application/json' : 'application/problem+json'
    expect(answer.headers).toMatch(new RegExp(`content-type: ${type.replace('+', '\\+')}\r`, 'i'))
    await expectFine(on)
  })
})

describe('requests that Node would refuse by itself', () => {
  it('without Host get a problem document', async () => {
    const on = connection()
    on.send('GET /livez HTTP/1.1\r\n\r\n')
    const { status, body } = await on.answer()
    expect({ status, body }).toMatchObject({ status: 400, body: { code: 'INVALID_HTTP' } })
    expect(body.detail).toMatch(/Host/)
    on.send('GET /livez HTTP/1.0\r\n\r\n')
    expect((await on.answer()).status).toBe(200)
  })

  it('with an unknown Expect are answered', async () => {
    const on = connection()
    on.send('GET /livez HTTP/1.1\r\nHost: kelvin\r\nExpect: 200-ok\r\n\r\n')
    expect((await on.answer()).status).toBe(200)
  })
})

it('a request with neither body nor content type has an empty body', async () => {
  const on = connection()
  on.send('POST /v1/sample HTTP/1.1\r\nHost: kelvin\r\n\r\n')
  const { status, body } = await on.answer()
  expect({ status, body }).toMatchObject({ status: 400, body: { code: 'EMPTY_BODY' } })
  await expectFine(on)
})

const paths = {
  '/v1/sample': octets,
  '/v1/probabilities': { 'content-type': 'application/json' },
  '/v2/models/sample/infer': { 'inference-header-content-length': '0' },
}

describe.each(Object.entries(paths))('%s', (path, headers) => {
  it('refuses a body that is too large before it comes, and reads it to its end', async () => {
    const on = connection()
    const length = LIMIT + 1
    on.send(head(path, { ...headers, 'content-length': length }))
    expect((await on.answer()).status).toBe(413)
    on.send(Buffer.alloc(length))
    await expectFine(on)
  })

  it('refuses a chunked body when it exceeds the limit', async () => {
    const on = connection()
    const chunk = Buffer.alloc(2 ** 20, '1,')
    on.send(head(path, { ...headers, 'transfer-encoding': 'chunked' }))
    for (let i = 0; i < 5; i++) on.send(`${chunk.length.toString(16)}\r\n`, chunk, '\r\n')
    const { status } = await on.answer()
    expect([400, 413]).toContain(status)
    on.send('0\r\n\r\n')
    await expectFine(on)
  })

  it('refuses a large body of a client that sends Expect: 100-continue before it comes', async () => {
    const on = connection()
    on.send(head(path, { ...headers, 'content-length': LIMIT + 1, expect: '100-continue' }))
    expect((await on.answer()).status).toBe(413)
    expect(on.continued).toBe(false)
  })

  it('answers 100 Continue to a client that expects it', async () => {
    const on = connection()
    on.send(head('/v1/sample', { ...octets, 'content-length': 12, expect: '100-continue' }))
    await once(on.socket, 'data')
    on.send(good)
    expect((await on.answer()).status).toBe(200)
    expect(on.continued).toBe(true)
  })

  it('survives a client that disconnects half-way', async () => {
    for (let i = 0; i < 20; i++) {
      const on = connection()
      on.send(head(path, { ...headers, 'content-length': 4096 }), Buffer.alloc(100 * i, ' '))
      await once(on.socket, 'connect')
      on.socket.destroy()
    }
    await expectFine(connection())
  })

  it('answers a client that ends its body early', async () => {
    const on = connection()
    on.send(head(path, { ...headers, 'content-length': 4096 }), '[1')
    on.socket.end()
    const { status } = await on.answer()
    expect(status).toBe(400)
    await expectFine(connection())
  })

  it('times out while it waits for a body', async () => {
    const on = connection()
    on.send(head(path, { ...headers, 'content-length': 4096 }), '[1')
    expect((await on.answer()).status).toBe(408)
    await expectFine(connection())
  }, 40_000)

  it('reads bytes after a body as the next request', async () => {
    const on = connection()
    on.send(head('/v1/sample', { ...octets, 'content-length': 4 }), good)
    // The order of the two answers depends on the segments.
    const { status } = await on.answer()
    if (status === 200) expect((await on.answer()).status).toBe(400)
    else expect(status).toBe(400)
    await expectFine(connection())
  })
})

it('has logged every request once, and no internal error', () => {
  const statuses = server.lines.map((line) => JSON.parse(line).status)
  expect(statuses).not.toContain(500)
})
