import { afterAll, describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'
import { ask, open } from '../http.ts'
import { starter } from '../server.ts'

const start = starter(afterAll)
const attacked = start()

const json = { 'content-type': 'application/json' }

describe('attacks', () => {
  /** Raw bytes, and the pattern of the answer. */
  const attacks: [name: string, bytes: string, answer: RegExp][] = [
    ['a path out of the pages', 'GET /playground/../../package.json HTTP/1.1', /^HTTP\/1.1 404 /],
    ['the same, encoded', 'GET /playground/..%2f..%2fpackage.json HTTP/1.1', /^HTTP\/1.1 404 /],
    ['twice encoded', 'GET /playground/%252e%252e%252fpackage.json HTTP/1.1', /^HTTP\/1.1 404 /],
    [
      'a path out of the documentation',
      'GET /docs/static/../../../../etc/passwd HTTP/1.1',
      /^HTTP\/1.1 40[04] /,
    ],
    ['a zero in a path', 'GET /playground/index.html%00.css HTTP/1.1', /^HTTP\/1.1 404 /],
    [
      'a script in a path',
      'GET /<script>alert(1)</script> HTTP/1.1',
      /^HTTP\/1.1 404 [\s\S]*application\/problem\+json/,
    ],
    ['no URL', 'GET /%zz HTTP/1.1', /^HTTP\/1.1 400 [\s\S]*INVALID_URL/],
    [
      'a header that splits the answer',
      'GET /livez HTTP/1.1\r\nx-request-id: a%0d%0aset-cookie: b',
      /^(?![\s\S]*set-cookie)HTTP\/1.1 200 /,
    ],
    [
      'a request id that is long',
      `GET /livez HTTP/1.1\r\nx-request-id: ${'a'.repeat(200)}`,
      /^(?![\s\S]*aaaa)HTTP\/1.1 200 /,
    ],
    [
      'a request id that is HTML',
      'GET /nowhere HTTP/1.1\r\nx-request-id: <b>',
      /^(?![\s\S]*<b>)HTTP\/1.1 404 /,
    ],
    [
      'two lengths',
      'POST /v1/sample HTTP/1.1\r\ncontent-length: 4\r\ncontent-length: 5',
      /^HTTP\/1.1 400 /,
    ],
    [
      'a length and chunks',
      'POST /v1/sample HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked',
      /^HTTP\/1.1 400 /,
    ],
    ['a length that is none', 'POST /v1/sample HTTP/1.1\r\ncontent-length: -1', /^HTTP\/1.1 400 /],
    ['a header without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}`, /^HTTP\/1.1 431 /],
    [
      'very many headers',
      `GET /livez HTTP/1.1\r\n${'x: y\r\n'.repeat(1500)}z: z`,
      /^HTTP\/1.1 (200|431) /,
    ],
    ['another protocol', 'PRI * HTTP/2.0', /^HTTP\/1.1 (400|404) /],
    ['a tunnel', 'CONNECT evil.example:443 HTTP/1.1', /^(HTTP\/1.1 4|$)/],
    [
      'an upgrade',
      'GET /livez HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket',
      /^HTTP\/1.1 200 /,
    ],
    [
      'a trace of itself',
      'TRACE /livez HTTP/1.1\r\nsecret: 1',
      /^(?![\s\S]*secret)HTTP\/1.1 40[45] /,
    ],
    [
      'another host',
      'GET /docs HTTP/1.1\r\nx-forwarded-host: evil.example',
      /^(?![\s\S]*evil)HTTP\/1.1 /,
    ],
    ['an absolute URL', 'GET http://evil.example/livez HTTP/1.1', /^(?![\s\S]*evil)HTTP\/1.1 /],
    ['a method that is none', 'HACK /livez HTTP/1.1', /^HTTP\/1.1 400 /],
  ]

  it.each(attacks)('%s', async (_, bytes, answer) => {
    const { where } = await attacked
    const connection = await open(where)
    connection.closed.catch(() => {})
    connection.socket.on('error', () => {})
    connection.socket.write(`${bytes}\r\nhost: x\r\nconnection: close\r\n\r\n`)
    await new Promise((resolve) => connection.socket.once('close', resolve))
    expect(connection.answer).toMatch(answer)
    expect(connection.answer).not.toMatch(/node:|node_modules|\.ts:\d/)
    expect((await ask(where, '/livez')).status).toBe(200)
  })

  const app = testApp()
  const bodies: [name: string, body: string, status: number, words: RegExp][] = [
    ['__proto__ as a field', '{"logits":[1],"__proto__":{"temperature":0}}', 400, /Unknown field/],
    [
      'constructor as a field',
      '{"logits":[1],"constructor":{"prototype":{"n":9}}}',
      400,
      /Unknown field/,
    ],
    ['__proto__ as a token', '{"logits":[1],"logit_bias":{"__proto__":1}}', 400, /logit_bias/],
    ['__proto__ in a row', '{"logits":[[1]],"rows":[{"__proto__":{"n":2}}]}', 400, /Unknown field/],
    [
      '__proto__ as the body',
      '{"__proto__":{"logits":[1]}}',
      400,
      /Unknown field|Expected a value/,
    ],
    [
      '__proto__ in a state',
      '{"logits":[1],"state":{"__proto__":{"mirostat_mu":1}}}',
      400,
      /state/,
    ],
    ['a script as a field', '{"logits":[1],"<script>":1}', 400, /Unknown field/],
  ]
  it.each(bodies)('%s', async (_, payload, status, words) => {
    const response = await (await app).inject({
      method: 'POST',
      url: '/v1/sample',
      headers: json,
      payload,
    })
    expect(response.statusCode).toBe(status)
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.json().detail).toMatch(words)
    expect(({} as Record<string, unknown>).temperature).toBeUndefined()
    expect(({} as Record<string, unknown>).n).toBeUndefined()
  })

  it('a fake log line', async () => {
    const server = await start()
    await ask(
      server.where,
      '/nowhere%0a{"level":60}?a=%1b[31m',
      '{"logits":[1],"a\\n\\u001b[31mb":1}',
    )
    await expect.poll(() => server.lines.length).toBe(2)
    for (const line of server.lines) JSON.parse(line)
    expect(server.lines.join('')).not.toContain('\u001b')
  })
})
