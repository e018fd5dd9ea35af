import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { testApp } from '../app.ts'
import { open } from '../http.ts'
import { starter } from '../server.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))
const start = starter(afterAll)

const KEY = 'a-key-that-nobody-guesses'
const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const json = { 'content-type': 'application/json' }
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('a page of another site', () => {
  const infer = JSON.stringify({
    inputs: [{ name: 'logits', shape: [3], datatype: 'FP32', data: [1, 2, 3] }],
  })
  const posts: [url: string, payload: string][] = [
    ['/v1/sample', body],
    ['/v2/models/sample/infer', infer],
  ]
  type Headers = Record<string, string>

  /** A POST that a page can send without a preflight. */
  const post = async (environment: Headers, headers: Headers, [url, payload] = posts[0]!) => {
    const app = await testApp(environment)
    return app.inject({ method: 'POST', url, headers, payload })
  }

  const foreign = [
    'evil.example',
    'evil.example:27315',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.evil.example',
    'evil',
    '10.0.0.1',
    '[::2]',
  ]
  it.each(foreign)('does not reach a server on loopback as %j', async (host) => {
    const app = await testApp()
    for (const url of ['/', '/docs', '/metrics', '/openapi.json', '/v1/info', '/v2', '/nowhere']) {
      const answer = await app.inject({ url, headers: { host } })
      expect(answer.statusCode, url).toBe(403)
      expect(answer.body).toContain('ALLOWED_HOSTS')
    }
    for (const url of ['/livez', '/readyz', '/v2/health/ready', '/v2/models/sample/ready']) {
      expect((await app.inject({ url, headers: { host } })).statusCode, url).toBe(200)
    }
    const answer = await post({}, { host, ...json })
    expect(answer.json()).toMatchObject({ code: 'SITE_NOT_ALLOWED', status: 403 })
    const triton = await post({}, { host, ...json }, posts[1])
    expect(triton.statusCode).toBe(403)
    expect(Object.keys(triton.json())).toEqual(['error'])
  })

  const own = [
    'localhost',
    'LOCALHOST:1',
    'localhost.',
    'kelvin.localhost:27315',
    '127.0.0.1',
    '127.8.9.10:80',
    '[::1]:27315',
  ]
  it.each<[host: string, environment: Headers, status: number]>([
    ...own.map((host): [string, Headers, number] => [host, {}, 200]),
    ['anything', { HOST: '0.0.0.0' }, 200],
    ['anything', { ALLOWED_HOSTS: '*' }, 200],
    ['Kelvin.Example:80', { ALLOWED_HOSTS: 'other, kelvin.example' }, 200],
    ['kelvin.example', { ALLOWED_HOSTS: 'kelvin.example', HOST: '0.0.0.0' }, 200],
    ['localhost', { ALLOWED_HOSTS: 'kelvin.example' }, 403],
    ['evil.example', { ALLOWED_HOSTS: 'kelvin.example', HOST: '0.0.0.0' }, 403],
    ['evil.example', { HOST: '::1' }, 403],
    ['evil.example', { HOST: 'localhost' }, 403],
  ])(
    'is distinguished from a program by its Host: %s, with %j',
    async (host, environment, status) => {
      expect((await post(environment, { host, ...json })).statusCode).toBe(status)
    },
  )

  it('is recognised by its Host only if no key is needed', async () => {
    const app = await testApp({ API_KEYS: KEY })
    const headers = { host: 'evil.example' }
    expect((await app.inject({ url: '/metrics', headers })).statusCode).toBe(403)
    expect((await app.inject({ url: '/v1/info', headers })).statusCode).toBe(401)
    const keyed = { ...headers, ...bearer(KEY) }
    expect((await app.inject({ url: '/v1/info', headers: keyed })).statusCode).toBe(200)
  })

  const host = 'localhost:27315'
  it.each<[name: string, headers: Headers, environment: Headers, status: number]>([
    ['another origin', { origin: 'https://evil.example' }, {}, 403],
    ['none that it tells', { origin: 'null' }, {}, 403],
    ['another port', { origin: 'http://localhost:3000' }, {}, 403],
    ['another scheme', { origin: 'https://localhost:27315' }, {}, 403],
    ['another name for this machine', { origin: 'http://127.0.0.1:27315' }, {}, 403],
    ['another site, without Origin', { 'sec-fetch-site': 'cross-site' }, {}, 403],
    ['the same site, without Origin', { 'sec-fetch-site': 'same-site' }, {}, 403],
    [
      'another origin that says it is not',
      { origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
      {},
      403,
    ],
    ['the own origin', { origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }, {}, 200],
    ['the own origin, of an old browser', { origin: `http://${host}` }, {}, 200],
    [
      'the own origin, before TLS is taken off',
      { origin: `https://${host}`, 'sec-fetch-site': 'same-origin' },
      {},
      200,
    ],
    ['no page', {}, {}, 200],
    [
      'an origin that is allowed',
      { origin: 'https://page.example', 'sec-fetch-site': 'cross-site' },
      { CORS_ORIGINS: 'https://page.example' },
      200,
    ],
    [
      'one that is not',
      { origin: 'https://page.example.evil' },
      { CORS_ORIGINS: 'https://page.example' },
      403,
    ],
    ['any origin', { origin: 'null', 'sec-fetch-site': 'cross-site' }, { CORS_ORIGINS: '*' }, 200],
    [
      'any origin, with a key',
      { origin: 'https://evil.example', ...bearer(KEY) },
      { API_KEYS: KEY },
      200,
    ],
  ])('posts from %s', async (_, headers, environment, status) => {
    for (const target of posts) {
      // As text/plain, for which no browser sends a preflight. /v1 would refuse it.
      const type = target[0] === '/v2/models/sample/infer' ? 'text/plain' : 'application/json'
      const answer = await post(environment, { host, 'content-type': type, ...headers }, target)
      expect(answer.statusCode, target[0]).toBe(status)
      if (status === 403) expect(answer.body).toContain('CORS_ORIGINS')
    }
  })

  it('is allowed over a Unix socket, to which no browser connects; over TCP its body is dropped', async () => {
    const path = join(folder, 'site.sock')
    const server = await start({ SOCKET_PATH: path, ALLOWED_HOSTS: '' })
    for (const where of [server.where, { path }]) {
      const connection = await open(where)
      const head = `POST /v1/sample HTTP/1.1\r\nhost: evil.example\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n`
      connection.socket.write(`${head}\r\n${body}${head}connection: close\r\n\r\n${body}`)
      await connection.closed
      const status = where === server.where ? '403 Forbidden' : '200 OK'
      expect(connection.answer.match(/HTTP\/1.1 \d+ \w+/g)).toEqual(
        Array(2).fill(`HTTP/1.1 ${status}`),
      )
    }
  })

  it.each(['https://kelvin.example', 'kelvin.example:80', 'kelvin/x'])(
    '%s is no valid ALLOWED_HOSTS',
    (ALLOWED_HOSTS) => {
      expect(() => loadConfig({ ALLOWED_HOSTS })).toThrow(/without scheme and port/)
    },
  )
})
