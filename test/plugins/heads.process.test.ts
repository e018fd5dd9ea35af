import { afterAll, describe, expect, it } from 'vitest'
import { exchange } from '../fuzz/wire.ts'
import { startServer } from '../server.ts'

/** Heads that a proxy and Kelvin could read as different requests are refused, and the connection ends. */

const server = await startServer()
afterAll(() => server.stop())
const { where } = server

const BODY = '{"logits":[1,2,3],"seed":1}'
const LENGTH = `Content-Length: ${BODY.length}`
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`

function post(lines: string[], body = BODY, path = '/v1/sample', version = '1.1'): string {
  const head = ['Content-Type: application/json', ...lines].join('\r\n')
  return `POST ${path} HTTP/${version}\r\n${head}\r\n\r\n${body}`
}

const host = 'Host: kelvin'
const coded = (value: string) => post([host, `Transfer-Encoding: ${value}`], CHUNKED)

/** A request hidden in the body of another. It must not be answered. */
const SMUGGLED = 'GET /livez HTTP/1.1\r\nHost: kelvin\r\n\r\n'

const ambiguous: Record<string, [bytes: string, words: RegExp]> = {
  'two hosts': [post([host, 'Host: other', LENGTH]), /one host header, got 2/],
  'the same host twice': [post([host, host, LENGTH]), /one host header, got 2/],
  'two hosts in HTTP/1.0': [
    post([host, 'Host: other', LENGTH], BODY, '/v1/sample', '1.0'),
    /one host/,
  ],
  'two hosts without a body': ['GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', /one host/],
  'two hosts in a line': [
    post(['Host: a, b', LENGTH]),
    /Expected Host to be a name or an address, with an optional port, got "a, b"/,
  ],
  'a URL as host': [post(['Host: http://kelvin/', LENGTH]), /Expected Host to be/],
  'a user before the host': [post(['Host: a@kelvin', LENGTH]), /Expected Host to be/],
  'two content types': [
    post([host, 'Content-Type: application/octet-stream', LENGTH]),
    /one content-type/,
  ],
  'two keys': [
    post([host, 'Authorization: Bearer a', 'authorization: Bearer b', LENGTH]),
    /one auth/,
  ],
  'gzip, chunked': [coded('gzip, chunked'), /Transfer-Encoding to be chunked, got "gzip, chunked"/],
  'identity, chunked': [coded('identity, chunked'), /Transfer-Encoding to be chunked/],
  'a list that begins with nothing': [coded(', chunked'), /Transfer-Encoding to be chunked/],
  'gzip and chunked in two lines': [
    post([host, 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], CHUNKED),
    /Transfer-Encoding to be chunked/,
  ],
  'chunked, gzip': [coded('chunked, gzip'), /./],
  'chunked twice': [coded('chunked, chunked'), /./],
  'chunked in two lines': [
    post([host, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKED),
    /./,
  ],
  'chunked with a parameter': [coded('chunked;a=b'), /./],
  'chunked in quotes': [coded('"chunked"'), /./],
  'a coding that ends so': [coded('xchunked'), /./],
  'no coding': [coded(''), /./],
  'a tab of another kind': [coded('\x0bchunked'), /./],
  'a space before the colon': [post([host, 'Transfer-Encoding : chunked'], CHUNKED), /./],
  'a coding in a folded line': [post([host, 'Transfer-Encoding:\r\n chunked'], CHUNKED), /./],
  'chunks in HTTP/1.0': [
    post([host, 'Transfer-Encoding: chunked'], CHUNKED, '/v1/sample', '1.0'),
    /HTTP\/1.0 has no Transfer-Encoding/,
  ],
  'TE with chunked': [post([host, 'TE: gzip, chunked', LENGTH]), /TE must not contain chunked/],
  'a length and chunks': [
    post([host, LENGTH, 'Transfer-Encoding: chunked'], `0\r\n\r\n${SMUGGLED}`),
    /Content-Length/,
  ],
  'chunks and a length': [
    post([host, 'Transfer-Encoding: chunked', LENGTH], CHUNKED),
    /Content-Length/,
  ],
  'a length and no chunks': [post([host, LENGTH, 'Transfer-Encoding: identity']), /Content-Length/],
  'two lengths': [post([host, 'Content-Length: 0', LENGTH], SMUGGLED), /Content-Length/],
  'the same length twice': [post([host, LENGTH, LENGTH]), /Content-Length/],
  'two lengths in a line': [post([host, 'Content-Length: 0, 27']), /Content-Length/],
  'a length with a sign': [post([host, 'Content-Length: +27']), /Content-Length/],
  'a length in sixteens': [post([host, 'Content-Length: 0x1b']), /Content-Length/],
  'a line that ends early': [post([host, `X: a\n${LENGTH}`]), /./],
  'a line that never ends': [post([host, `X: a\r${LENGTH}`]), /./],
  'a chunk that ends early': [
    post([host, 'Transfer-Encoding: chunked'], CHUNKED.replace('\r\n', '\n')),
    /./,
  ],
  'a length behind the chunks': [
    post(
      [host, 'Transfer-Encoding: chunked'],
      CHUNKED.replace('0\r\n', '0\r\nContent-Length: 5\r\n'),
    ),
    /Content-Length/,
  ],
}

const send = (bytes: string) =>
  exchange(where, [Buffer.from(bytes, 'latin1')], () => false, { deadline: 3000 })

describe('refused', () => {
  it.each(Object.keys(ambiguous))('%s', async (name) => {
    const [bytes, words] = ambiguous[name]!
    const { answers, isClosed } = await send(bytes + SMUGGLED)
    expect(isClosed).toBe(true)
    expect(answers.map(({ status }) => status)).toEqual([400])
    expect(answers[0]!.headers.get('connection')).toBe('close')
    expect(answers[0]!.headers.get('content-type')).toBe('application/problem+json')
    const document = JSON.parse(answers[0]!.body.toString())
    expect(document).toMatchObject({ status: 400, code: 'INVALID_HTTP' })
    expect(document.detail).toMatch(words)
  })

  it('in the form of /v2, if the path is known', async () => {
    const { answers } = await send(post([host, 'Host: b', LENGTH], BODY, '/v2/models/sample/infer'))
    expect(JSON.parse(answers[0]!.body.toString())).toEqual({
      error: 'Expected one host header, got 2',
    })
  })
})

describe('accepted', () => {
  it.each([
    ['an address and a port', post(['Host: [::1]:27315', LENGTH])],
    ['a name with an underscore', post(['Host: kelvin_1:80', LENGTH])],
    ['a socket as it is in URLs', post(['Host: %2Frun%2Fkelvin.sock', LENGTH])],
    ['no name', post(['Host:', LENGTH])],
    ['a type that is said twice', post([host, 'Content-Type: application/json', LENGTH])],
    ['chunks in capitals', coded('CHUNKED')],
    ['TE without chunked', post([host, 'TE: trailers, gzip;q=0.5', LENGTH])],
    [
      'HTTP/1.0 without a host',
      post(['Connection: keep-alive', LENGTH], BODY, '/v1/sample', '1.0'),
    ],
  ])('%s', async (_, bytes) => {
    const { answers } = await exchange(
      where,
      [Buffer.from(bytes)],
      ({ answers }) => answers.length > 0,
    )
    expect(answers.map(({ status }) => status)).toEqual([200])
  })
})
