import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { ProblemDocument } from '../../src/protocols/problem.ts'
import { testApp } from '../app.ts'

/** Errors for requests that are almost right. */

const app = await testApp()
await app.listen({ port: 0, host: '127.0.0.1' })

type Headers = Record<string, string>
const typed = { 'content-type': 'application/json' }

async function send(url: string, payload: string | object | Buffer, headers: Headers = typed) {
  const response = await app.inject({ method: 'POST', url, payload, headers })
  return { status: response.statusCode, ...response.json() }
}

describe('a body of another type', () => {
  it.each<[Headers, RegExp]>([
    [
      { 'content-type': 'application/x-www-form-urlencoded' },
      /"application\/x-www-form-urlencoded": .*; curl -d needs -H 'Content-Type: application\/json'/,
    ],
    [{}, /a body without a Content-Type: send Content-Type application\/json/],
    [{ 'content-type': 'multipart/form-data; boundary=0123456789' }, /"multipart\/form-data; bou/],
    [{ 'content-type': 'x'.repeat(500) }, / "x{64}": send/],
  ])('%j gets an error that names it and what to send', async (headers, words) => {
    const { status, detail } = await send('/v1/sample', '{"logits":[1]}', headers)
    expect(status).toBe(415)
    expect(detail).toMatch(words)
    expect(detail).toContain('application/octet-stream')
  })
})

describe('the encoding of a text', () => {
  const short = '{"logits":[2,1],"seed":1}'
  const long = `{"logits":[${'1,'.repeat(6000)}2],"seed":1}`
  const infer =
    '{"inputs":[{"name":"logits","datatype":"FP32","shape":[1,2],"data":[2,1]}],"parameters":{"seed":1}}'

  it.each([
    ['/v1/sample', short],
    ['/v1/sample', long],
    ['/v2/models/sample/infer', infer],
  ])('a byte order mark of UTF-8 is skipped: %s', async (url, text) => {
    expect((await send(url, `\u{feff}${text}`)).results).toEqual((await send(url, text)).results)
    expect((await send(url, `\u{feff}${text}`)).status).toBe(200)
  })

  it('also if it comes byte by byte', async () => {
    const { port } = app.server.address() as AddressInfo
    const body = Buffer.from(`\u{feff}${long}`)
    const headers = { ...typed, 'content-length': body.length }
    const call = request({ port, method: 'POST', path: '/v1/sample', headers })
    for (const at of [0, 1, 2, 3]) {
      call.write(body.subarray(at, at + 1))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    call.end(body.subarray(4))
    const [response] = await once(call, 'response')
    expect(await json(response)).toMatchObject({ results: [{ kept_count: 6001 }] })
  })

  it.each([
    ['UTF-16', Buffer.from(short, 'utf16le')],
    ['UTF-16 with a mark', Buffer.from(`\u{feff}${short}`, 'utf16le')],
    ['UTF-16, the larger half first', Buffer.from(`\u{feff}${short}`, 'utf16le').swap16()],
    ['long UTF-16', Buffer.from(long, 'utf16le')],
  ])('%s gets an error that names it', async (_, body) => {
    const { status, code, detail } = await send('/v1/sample', body)
    expect({ status, code }).toEqual({ status: 400, code: 'INVALID_JSON' })
    expect(detail).toMatch(/UTF-16 or UTF-32; send JSON in UTF-8/)
  })
})

describe('binary data without the length of the JSON', () => {
  const input = { name: 'logits', datatype: 'FP32', shape: [1, 2] }
  const inputs = [{ ...input, parameters: { binary_data_size: 8 } }]
  const head = Buffer.from(JSON.stringify({ inputs }))
  const tail = Buffer.from(Float32Array.of(1, 2).buffer)
  const url = '/v2/models/sample/infer'

  it.each<[string, Buffer, Headers]>([
    ['no header', Buffer.concat([head, tail]), {}],
    ['no header and zeros', Buffer.concat([head, Buffer.alloc(8)]), {}],
    ['no header and much', Buffer.concat([head, Buffer.alloc(100_000)]), {}],
    ['no header and no data', head, {}],
    [
      'a length too short',
      Buffer.concat([head, tail]),
      { 'inference-header-content-length': '20' },
    ],
  ])('%s gets an error that names the header', async (_, body, headers) => {
    const { status, error } = await send(url, body, headers)
    expect(status).toBe(400)
    expect(error).toContain('Inference-Header-Content-Length')
  })

  it('faulty JSON gets no hint about the length', async () => {
    expect((await send(url, '{"inputs":[}')).error).not.toContain('Inference')
  })
})

describe('a misspelt path', () => {
  it.each([
    ['POST', '//v1/sample', '/v1/sample'],
    ['POST', '/v1/sample/', '/v1/sample'],
    ['POST', '/v1//sample/', '/v1/sample'],
    ['POST', '/V1/Sample', '/v1/sample'],
    ['POST', '/sample', '/v1/sample'],
    ['POST', '/v1/sampel', '/v1/sample'],
    ['POST', '/v1/sample/?temperature=1', '/v1/sample'],
    ['POST', '/v1/probability', '/v1/probabilities'],
    ['GET', '/v1/samplers/', '/v1/samplers'],
    ['GET', '/v1/sampler', '/v1/samplers'],
    ['GET', '/v1/sample/', '/v1/sample'],
    ['GET', '/metric', '/metrics'],
    ['GET', '/healthz/live', '/v2/health/live'],
    ['GET', '/openapi', '/openapi.json'],
    ['GET', '/completely/else', undefined],
    ['GET', '/:a(b', undefined],
  ] as const)('%s %s', async (method, url, meant) => {
    const { code, detail } = ProblemDocument.parse((await app.inject({ method, url })).json())
    expect(code).toBe('NOT_FOUND')
    const path = url.split('?')[0]
    const hint = meant ? `did you mean ${meant}?` : '/docs lists all URLs'
    expect(detail).toBe(`Cannot ${method} ${path}: ${hint}`)
  })

  it('gets no suggestion if it is long', async () => {
    const url = `${'/'.repeat(5000)}v1/sample`
    const { detail } = (await app.inject({ method: 'POST', url })).json()
    expect(detail).toMatch(/^Cannot POST \/{980}/)
    expect(detail).not.toContain('did you mean')
  })

  it('of /v2 gets one, too', async () => {
    expect((await send('/v2/models/sample/infer/', {})).error).toMatch(
      /mean \/v2\/models\/sample\/in/,
    )
    expect((await send('/v2/models/sample', {})).error).toBe(
      'Cannot POST /v2/models/sample: use GET or HEAD, or did you mean /v2/models/sample/infer?',
    )
  })
})

describe('a list in place of one value', () => {
  const logits = [
    [1, 2],
    [3, 4],
  ]

  it.each([
    [{ temperature: [0.5, 1] }, '/temperature'],
    [{ seed: [1, 2] }, '/seed'],
    [{ profile: ['vllm', 'kelvin'] }, '/profile'],
    [{ trace: [true, false] }, '/trace'],
    [{ banned_token_ids: [[0], [1]] }, '/banned_token_ids/0'],
    [{ order: [['top_k'], ['top_p']] }, '/order/0'],
    [{ logit_bias: [{ 1: 1 }, {}] }, '/logit_bias'],
    [{ state: [{}, {}] }, '/state'],
  ])('%j gets a hint to rows', async (given, pointer) => {
    const { status, errors } = await send('/v1/sample', { logits, ...given })
    expect({ status, pointer: errors[0].pointer }).toEqual({ status: 400, pointer })
    expect(errors[0].detail).toMatch(/; to give each row its own value, send rows, a list of obj/)
  })

  it('gets no hint within a row, nor for logits', async () => {
    const rows = [{ temperature: [1] }, {}]
    const details = [
      (await send('/v1/sample', { logits, rows })).detail,
      (await send('/v1/sample', { logits: [[1], [[2]]] })).detail,
    ]
    for (const detail of details) expect(detail).not.toContain('send rows')
  })

  it('as a parameter of /v2 gets a hint to inputs', async () => {
    const inputs = [{ name: 'logits', datatype: 'FP32', shape: [2, 2], data: logits }]
    const request = { inputs, parameters: { temperature: [0.5, 1] } }
    expect((await send('/v2/models/sample/infer', request)).error).toMatch(
      /a value for each row as an input/,
    )
  })
})

describe('an integer beyond its range', () => {
  it.each([
    [{ top_k: 1e20 }, '/top_k', /at most 9007199254740991/],
    [{ n: 1e10 }, '/n', /at most 65536/],
    [{ seed: -1 }, '/seed', /omit it for a random seed/],
    [{ seed: 1e30 }, '/seed', /as strings; omit it/],
    [{ seed: 1.5 }, '/seed', /integer from 0 to 18446744073709551615/],
    [{ step: -1 }, '/step', /integer from 0 to 9007199254740991/],
    [{ banned_token_ids: [3e9] }, '/banned_token_ids/0', /are from 0 to 2147483647/],
    [{ banned_token_ids: [-1] }, '/banned_token_ids/0', /are from 0 to 2147483647/],
  ])('%j', async (given, pointer, words) => {
    const { status, errors } = await send('/v1/sample', { logits: [1, 2], ...given })
    expect({ status, pointer: errors[0].pointer }).toEqual({ status: 400, pointer })
    expect(errors[0].detail).toMatch(words)
  })
})

it('a query that is too long gets a 431 that says to send JSON', async () => {
  const { port } = app.server.address() as AddressInfo
  const ids = Array.from({ length: 2999 }, (_, i) => 100_000 + i).join()
  const path = `/v1/sample?banned_token_ids=${ids}`
  const call = request({ port, method: 'POST', path, headers: typed })
  call.end()
  const [response] = await once(call, 'response')
  const document = ProblemDocument.parse(await json(response))
  expect(document).toMatchObject({ status: 431, code: 'HEADERS_TOO_LARGE' })
  expect(document.detail).toMatch(/16384 bytes; send long lists in a JSON body/)
})

describe('HOST', () => {
  it.each([
    ['[::1]', '::1'],
    ['[::]', '::'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
  ])('%s is %s', (given, host) => {
    expect(loadConfig({ HOST: given }).HOST).toBe(host)
  })

  it.each(['127.0.0.1:8080', 'localhost:', '[::1]:8080', 'http://localhost', '*'])(
    '%s is refused as no address',
    (HOST) => {
      expect(() => loadConfig({ HOST })).toThrow(
        /HOST=.*: Expected an address or name without a port/,
      )
    },
  )
})
