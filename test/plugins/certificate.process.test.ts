import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { ask, open } from '../http.ts'
import { starter } from '../server.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))
const start = starter(afterAll)

const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const json = { 'content-type': 'application/json' }

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

  // The default handshake timeout is ten seconds.
  it('does not wait for a silent client', { timeout: 9000 }, async () => {
    const { where } = await start({
      TLS_CERT_FILE: rsa.cert,
      TLS_KEY_FILE: rsa.key,
      HEADERS_TIMEOUT_MS: '300',
    })
    const silent = await open(where)
    silent.closed.catch(() => {})
    silent.socket.on('error', () => {})
    await new Promise((resolve) => silent.socket.once('close', resolve))
  })

  it('serves the TCP port but not the socket, and takes a new certificate', async () => {
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
    const plain = await open(server.where)
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
    // Of the two files, one is replaced first.
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
    ['half of it', { TLS_CERT_FILE: cert }, /TLS_KEY_FILE.*needs a certificate and a key/],
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
      /needs a TCP port/,
    ],
  ])('exits at once with an error about %s', (_, environment, words) => {
    const env = { ...process.env, PORT: '0', ...environment }
    const { status, stderr } = spawnSync('node', ['src/server.ts'], { env })
    expect(status).toBe(1)
    expect(String(stderr)).toMatch(words)
  })
})
