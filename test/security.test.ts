import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../src/config.ts'
import { testApp } from './app.ts'
import { ask, open, whereIs } from './http.ts'
import { type Server, startServer } from './server.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const servers: Server[] = []
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  rmSync(folder, { recursive: true })
})

async function start(environment: Record<string, string> = {}) {
  const server = await startServer(environment)
  servers.push(server)
  return Object.assign(server, { where: whereIs(server.url) })
}

const KEY = 'a-key-that-nobody-guesses'
const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const json = { 'content-type': 'application/json' }
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

describe('attacks', () => {
  /** What is sent as it is, and what the answer is to look like. */
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
    const { where } = servers[0] ? { where: whereIs(servers[0].url) } : await start()
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

  it('a log line that is none', async () => {
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

describe('pages', () => {
  it.each(['/', '/docs', '/playground/main.ts'])('%s may be no other’s', async (url) => {
    const app = await testApp()
    const { headers } = await app.inject({ url })
    expect(headers['content-security-policy']).toMatch(/frame-ancestors 'self'/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('keys', () => {
  const file = join(folder, 'keys')
  writeFileSync(file, `# for the tests\n\n${KEY}-2\n`)
  const app = testApp({ API_KEYS: `${KEY}, another-${KEY}`, API_KEYS_FILE: file })

  it.each([
    ['none', {}, 401, /Expected Authorization/],
    ['an unknown one', bearer('a-key-that-somebody-guessed'), 401, /Unknown key/],
    ['a beginning', bearer(KEY.slice(0, -1)), 401, /Unknown key/],
    ['another scheme', { authorization: `Basic ${KEY}` }, 401, /Expected Authorization/],
    ['the first', bearer(KEY), 200, undefined],
    ['the second', bearer(`another-${KEY}`), 200, undefined],
    ['one of the file', { authorization: `bearer ${KEY}-2` }, 200, undefined],
  ])('%s', async (_, headers, status, words) => {
    for (const url of ['/v1/sample', '/v2/models/sample/infer']) {
      const payload = url.startsWith('/v1')
        ? body
        : JSON.stringify({
            inputs: [{ name: 'logits', shape: [3], datatype: 'FP32', data: [1, 2, 3] }],
          })
      const response = await (await app).inject({
        method: 'POST',
        url,
        headers: { ...json, ...headers },
        payload,
      })
      expect(response.statusCode).toBe(status)
      if (!words) continue
      expect(response.headers['www-authenticate']).toBe('Bearer')
      const { detail, error } = response.json()
      expect(detail ?? error).toMatch(words)
    }
  })

  it('are asked of everything but probes and, unless told so, pages', async () => {
    const status = async (url: string) => (await (await app).inject({ url })).statusCode
    for (const url of ['/livez', '/readyz', '/v2/health/live', '/v2/health/ready']) {
      expect(await status(url), url).toBe(200)
    }
    for (const url of ['/', '/docs', '/openapi.json']) expect(await status(url), url).toBe(200)
    for (const url of ['/v1/info', '/v1/samplers', '/v2', '/nowhere']) {
      expect(await status(url), url).toBe(401)
    }
  })

  it.each([
    ['key', '', 401],
    ['key', KEY, 200],
    ['off', KEY, 404],
  ])('are asked of pages where DOCS_ACCESS=%s', async (DOCS_ACCESS, key, status) => {
    const closed = await testApp({ API_KEYS: KEY, DOCS_ACCESS })
    for (const url of ['/', '/docs', '/openapi.json', '/playground/main.ts']) {
      const { statusCode } = await closed.inject({ url, headers: bearer(key) })
      expect(statusCode, url).toBe(status)
    }
  })

  it('are read again when their file has changed', async () => {
    const path = join(folder, 'changing')
    writeFileSync(path, `${KEY}-old\n`)
    const changing = await testApp({ API_KEYS_FILE: path })
    const status = async (key: string) =>
      (await changing.inject({ url: '/v1/info', headers: bearer(key) })).statusCode
    expect(await status(`${KEY}-old`)).toBe(200)
    writeFileSync(path, `${KEY}-new\n`)
    await expect.poll(() => status(`${KEY}-new`), { timeout: 10_000 }).toBe(200)
    expect(await status(`${KEY}-old`)).toBe(401)
    writeFileSync(path, 'short\n')
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await status(`${KEY}-new`)).toBe(200)
  })

  it('are in no log, help or complaint', async () => {
    const server = await start({ API_KEYS: KEY, LOG_LEVEL: 'trace' })
    const headers = { ...json, ...bearer(KEY) }
    await fetch(`${server.url}/v1/sample`, { method: 'POST', headers, body })
    await fetch(`${server.url}/v1/sample`, { method: 'POST', headers: bearer(`${KEY}-x`), body })
    await expect.poll(() => server.lines.filter((line) => /"request"/.test(line)).length).toBe(2)
    expect(server.lines.join('\n')).not.toContain(KEY)
    const env = { ...process.env, API_KEYS: 'short-secret, x' }
    for (const options of [['--help'], []]) {
      const { stdout, stderr } = spawnSync('node', ['src/server.ts', ...options], { env })
      expect(`${stdout}${stderr}`).toContain('API_KEYS')
      expect(`${stdout}${stderr}`).not.toContain('short-secret')
    }
  })
})

describe('another origin', () => {
  const origin = 'https://page.example'
  const preflight = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  }

  it('is not let in by itself', async () => {
    const app = await testApp()
    const response = await app.inject({ method: 'OPTIONS', url: '/v1/sample', headers: preflight })
    expect(response.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('is, where it is named', async () => {
    const app = await testApp({ CORS_ORIGINS: `https://other.example, ${origin}`, API_KEYS: KEY })
    const options = await app.inject({ method: 'OPTIONS', url: '/v1/sample', headers: preflight })
    expect(options.statusCode).toBe(204)
    expect(options.headers['access-control-allow-origin']).toBe(origin)
    const headers = { ...json, ...bearer(KEY), origin }
    const answer = await app.inject({ method: 'POST', url: '/v1/sample', headers, payload: body })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    const stranger = await app.inject({
      url: '/v1/info',
      headers: { origin: 'https://evil.example' },
    })
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('a page of another site', () => {
  const infer = JSON.stringify({
    inputs: [{ name: 'logits', shape: [3], datatype: 'FP32', data: [1, 2, 3] }],
  })
  const posts: [url: string, payload: string][] = [
    ['/v1/sample', body],
    ['/v2/models/sample/infer', infer],
  ]
  type Headers = Record<string, string>

  /** A POST that a page can send without asking first. */
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
  ])('is told from a program by its host: %s, with %j', async (host, environment, status) => {
    expect((await post(environment, { host, ...json })).statusCode).toBe(status)
  })

  it('is known by its host only where no key is asked for', async () => {
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
      // As text, which no browser asks leave for. /v1 would not take it.
      const type = target[0] === '/v2/models/sample/infer' ? 'text/plain' : 'application/json'
      const answer = await post(environment, { host, 'content-type': type, ...headers }, target)
      expect(answer.statusCode, target[0]).toBe(status)
      if (status === 403) expect(answer.body).toContain('CORS_ORIGINS')
    }
  })

  it('may be any over the Unix socket, where there is no browser, and its body is dropped over TCP', async () => {
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
    'cannot be allowed as %s',
    (ALLOWED_HOSTS) => {
      expect(() => loadConfig({ ALLOWED_HOSTS })).toThrow(/without scheme and port/)
    },
  )
})

describe('TLS', () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const ec = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  function certify(name: string, files = { cert, key }, kind = ec) {
    const subject = ['-subj', `/CN=${name}`, '-days', '2']
    const made = ['req', '-x509', '-newkey', ...kind, '-nodes']
    execFileSync('openssl', [...made, '-keyout', files.key, '-out', files.cert, ...subject], {
      stdio: 'ignore',
    })
  }
  const rsa = { cert: join(folder, 'rsa.pem'), key: join(folder, 'rsa-key.pem') }
  const other = { cert: join(folder, 'other.pem'), key: join(folder, 'other-key.pem') }
  certify('rsa', rsa, ['rsa:2048'])
  certify('other', other)

  async function askSecurely(url: string) {
    const [response, name] = await new Promise<[import('node:http').IncomingMessage, string]>(
      (resolve, reject) => {
        const headers = { ...json, 'content-length': body.length }
        const call = request(`${url}/v1/sample`, {
          method: 'POST',
          headers,
          rejectUnauthorized: false,
          agent: false,
        })
        call.once('response', (answer) => {
          const { subject } = (answer.socket as TLSSocket).getPeerCertificate()
          resolve([answer, String(subject.CN)])
        })
        call.once('error', reject)
        call.end(body)
      },
    )
    return { status: response.statusCode, name, body: await text(response) }
  }

  it('does not wait for a client that says nothing', async () => {
    const { where } = await start({
      TLS_CERT_FILE: rsa.cert,
      TLS_KEY_FILE: rsa.key,
      HEADERS_TIMEOUT_MS: '300',
    })
    const silent = await open(where)
    const began = performance.now()
    silent.closed.catch(() => {})
    silent.socket.on('error', () => {})
    await new Promise((resolve) => silent.socket.once('close', resolve))
    expect(performance.now() - began).toBeLessThan(1300)
  })

  it('serves the TCP port, takes a new certificate, and leaves the socket alone', async () => {
    certify('first')
    const path = join(folder, 'tls.sock')
    const environment = { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, SOCKET_PATH: path }
    const server = await start(environment)
    expect(server.url).toMatch(/^https:/)
    expect(await askSecurely(server.url)).toMatchObject({ status: 200, name: 'first' })
    expect((await ask({ path }, '/v1/sample', body)).status).toBe(200)
    const PORT = new URL(server.url).port
    const env = { ...process.env, ...environment, PORT, HOST: '127.0.0.1' }
    expect(spawnSync('node', ['src/healthcheck.ts'], { env }).status).toBe(0)
    const plain = await open(whereIs(server.url))
    plain.socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
    await plain.closed.catch(() => {})
    expect(plain.answer).not.toContain('ok')
    certify('second')
    await expect
      .poll(async () => (await askSecurely(server.url)).name, { timeout: 10_000 })
      .toBe('second')
    writeFileSync(cert, 'no certificate')
    await expect
      .poll(() => server.lines.some((line) => line.includes('stays in use')), { timeout: 10_000 })
      .toBe(true)
    expect(await askSecurely(server.url)).toMatchObject({ status: 200, name: 'second' })
    // One file of the two is replaced before the other.
    const told = () => server.lines.filter((line) => line.includes('not the key of')).length
    copyFileSync(rsa.cert, cert)
    await expect.poll(told, { timeout: 10_000 }).toBe(1)
    expect(await askSecurely(server.url)).toMatchObject({ status: 200, name: 'second' })
    copyFileSync(rsa.key, key)
    await expect
      .poll(async () => (await askSecurely(server.url)).name, { timeout: 10_000 })
      .toBe('rsa')
  }, 60_000)

  it.each([
    ['half of it', { TLS_CERT_FILE: cert }, /TLS_KEY_FILE.*come together/],
    [
      'no file',
      { TLS_CERT_FILE: '/nowhere', TLS_KEY_FILE: key },
      /TLS_CERT_FILE=\/nowhere: ENOENT/,
    ],
    [
      'no key file',
      { TLS_CERT_FILE: rsa.cert, TLS_KEY_FILE: '/nowhere' },
      /TLS_KEY_FILE=\/nowhere: ENOENT/,
    ],
    [
      'a certificate for a key',
      { TLS_CERT_FILE: rsa.cert, TLS_KEY_FILE: rsa.cert },
      /TLS_KEY_FILE=.*private key/,
    ],
    [
      'a key for a certificate',
      { TLS_CERT_FILE: rsa.key, TLS_KEY_FILE: rsa.key },
      /TLS_CERT_FILE=.*PEM/,
    ],
    [
      'a key of another kind',
      { TLS_CERT_FILE: rsa.cert, TLS_KEY_FILE: other.key },
      /TLS_KEY_FILE=.*not the key of/,
    ],
    [
      'the key of another',
      { TLS_CERT_FILE: other.cert, TLS_KEY_FILE: rsa.key },
      /TLS_KEY_FILE=.*not the key of/,
    ],
    [
      'no port',
      { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, PORT: 'none', SOCKET_PATH: '/tmp/x' },
      /no TCP port/,
    ],
  ])('says at once what is wrong with %s', (_, environment, words) => {
    const env = { ...process.env, PORT: '0', ...environment }
    const { status, stderr } = spawnSync('node', ['src/server.ts'], { env })
    expect(status).toBe(1)
    expect(String(stderr)).toMatch(words)
  })
})
