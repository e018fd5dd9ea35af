import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { startServer } from '../server.ts'
import { CLOSE, Client, MIB, piece } from './client.ts'

/** Bytes after an answer are drained, but only for a limited time and number of bytes. */

const server = await startServer()
afterAll(() => server.stop())
const { where } = server
const HEAD = 'POST /nowhere HTTP/1.1\r\nhost: kelvin\r\n'

const chunk = (bytes: number) => `${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n`

/** Writes a part at intervals until the server closes the connection. Returns how often it wrote. */
async function persist(on: Client, part: string, pause: number): Promise<number> {
  let count = 0
  let isClosed = false
  void on.closed.then(() => (isClosed = true))
  while (!isClosed) {
    on.socket.write(part)
    count++
    await setTimeout(pause)
  }
  return count
}

/** Framing, part, and the status of the answer. */
const tricklers: Record<string, [framing: string, part: string, status: number]> = {
  'a byte at a time, on a last answer': [`${CLOSE}content-length: 70000000`, 'x', 404],
  'a byte at a time, on a connection that is kept': ['content-length: 70000000', 'x', 404],
  'chunks of a byte': ['transfer-encoding: chunked', chunk(1), 404],
  'more than is ever dropped, slowly': ['content-length: 700000000', 'x', 404],
  'not HTTP, slowly': ['content-length: x', 'x', 400],
}

async function hold(framing: string, part: string, pause: number) {
  const on = new Client(where)
  await on.write(`${HEAD}${framing}\r\n\r\n`)
  const parts = await persist(on, part, pause)
  return { parts, status: (await on.answer()).status }
}

// 400 kB in a second, so this takes long. It runs while the other tests do.
const paced = [CLOSE, ''].map((close) => {
  return hold(`${close}transfer-encoding: chunked`, chunk(40_000), 100)
})

describe('a client that keeps sending', () => {
  it.each(Object.keys(tricklers))('%s loses its connection in seconds', async (name) => {
    const [framing, part, expected] = tricklers[name]!
    const { parts, status } = await hold(framing, part, 50)
    expect(status).toBe(expected)
    // At most five seconds.
    expect(parts).toBeLessThan(100)
  })

  it.each([CLOSE, ''])('as fast as it can loses its connection (%j)', async (close) => {
    const on = new Client(where)
    await on.write(`${HEAD}${close}transfer-encoding: chunked\r\n\r\n`)
    let isClosed = false
    void on.closed.then(() => (isClosed = true))
    const part = chunk(MIB)
    let written = 0
    for (; !isClosed && written < 1024; written++) await on.write(part)
    expect((await on.answer()).status).toBe(404)
    // The bytes that are drained, and those in the system's buffers.
    expect(written).toBeGreaterThan(127)
    expect(written).toBeLessThan(160)
  })

  it('nothing more loses its connection in seconds', async () => {
    for (const close of [CLOSE, '']) {
      const on = new Client(where)
      await on.write(`${HEAD}${close}content-length: 70000000\r\n\r\n`)
      expect((await on.answer()).status).toBe(404)
      await on.ended
    }
  })

  it('does not keep the server from ending', async () => {
    const ending = await startServer()
    const on = new Client(ending.where)
    await on.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`)
    const sending = persist(on, chunk(40_000), 50)
    expect((await on.answer()).status).toBe(404)
    expect(await ending.stop()).toBe(0)
    await sending
  })

  it('takes no memory', async () => {
    const memory = () => {
      const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8')
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
    }
    const before = memory()
    const samples: number[] = []
    const look = setInterval(() => samples.push(memory()), 20)
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const on = new Client(where)
        await on.send(HEAD, 70 * MIB, false)
        expect((await on.answer()).status).toBe(404)
        on.socket.destroy()
      }),
    )
    clearInterval(look)
    expect(Math.max(...samples) - before).toBeLessThan(100)
  })
})

describe('an answer', () => {
  it('comes before the drain ends', async () => {
    const on = new Client(where)
    const body = ']'.repeat(30_000)
    const next = 'GET /livez HTTP/1.1\r\nhost: kelvin\r\n\r\n'
    await on.write(`${HEAD}content-length: ${body.length}\r\n\r\n${body}${next}`)
    expect((await on.answer()).status).toBe(404)
    expect((await on.answer()).status).toBe(200)
  })

  it('comes before the connection ends if the following bytes are no request', async () => {
    const on = new Client(where)
    const body = '{"logits":[1,2,3]}'
    const head = 'POST /v1/sample HTTP/1.1\r\nhost: kelvin\r\ncontent-type: application/json\r\n'
    await on.write(`${head}content-length: ${body.length}\r\n\r\n${body}garbage\r\n\r\n`)
    for (let i = 0; i < 20; i++) await on.write(piece)
    expect((await on.answer()).status).toBe(200)
    expect((await on.answer()).status).toBe(400)
    on.socket.end()
    await on.closed
  })

  it.each(['garbage\r\n\r\n', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n'])(
    'to a refused request comes before that to a following %j',
    async (rest) => {
      const on = new Client(where)
      const head = `${HEAD}content-length: 300000\r\n\r\n`
      await on.write(head + ']'.repeat(200_000))
      expect((await on.answer()).status).toBe(404)
      await on.write(']'.repeat(100_000) + rest)
      expect((await on.answer()).status).toBe(400)
      on.socket.destroy()
    },
  )

  it.each([
    ['a length that is none', 'content-length: x\r\n\r\n', 400],
    ['a chunk that is none', 'transfer-encoding: chunked\r\n\r\nx\r\n', 400],
    ['headers without end', `x: ${'x'.repeat(20_000)}`, 431],
  ])('is read after 20 MB behind %s', async (_, rest, status) => {
    const on = new Client(where)
    on.socket.pause()
    await on.write(
      `POST /v1/sample HTTP/1.1\r\nhost: kelvin\r\ncontent-type: application/json\r\n${rest}`,
    )
    for (let i = 0; i < 20; i++) await on.write(piece)
    on.socket.resume()
    const answer = await on.answer()
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body).status).toBe(status)
    on.socket.end()
    await on.closed
    expect(on.received).toBe('')
  })

  it('ends the connection of a client that waits for 100 Continue', async () => {
    const on = new Client(where)
    await on.write(`${HEAD}expect: 100-continue\r\ncontent-length: 1000\r\n\r\n`)
    expect((await on.answer()).headers).toMatch(/^HTTP\/1.1 404 .*connection: close/is)
    await on.ended
  })

  it('to CONNECT is 400', async () => {
    const on = new Client(where)
    await on.write('CONNECT kelvin:80 HTTP/1.1\r\nhost: kelvin\r\n\r\n')
    const { status, body } = await on.answer()
    expect({ status, ...JSON.parse(body) }).toMatchObject({ status: 400, code: 'INVALID_HTTP' })
  })
})

it.each(['TLS', 'a Unix socket'])('over %s a client gets its answer, too', async (transport) => {
  const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
  const [key, cert, path] = ['key.pem', 'cert.pem', 'kelvin.sock'].map((name) => join(folder, name))
  const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes', '-newkey', 'rsa:2048']
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key!, '-out', cert!], {
    stdio: 'ignore',
  })
  const secure = await startServer({ TLS_CERT_FILE: cert!, TLS_KEY_FILE: key!, SOCKET_PATH: path! })
  const isSecure = transport === 'TLS'
  for (const bytes of [0.5 * MIB, 20 * MIB, 70 * MIB]) {
    for (const close of [CLOSE, '']) {
      const on = new Client(isSecure ? secure.where : { path: path! }, isSecure)
      await on.send(HEAD + close, bytes, false)
      expect((await on.answer()).status).toBe(404)
      if (close) {
        on.socket.end()
        await on.closed
      } else {
        on.socket.write('GET /livez HTTP/1.1\r\nhost: kelvin\r\n\r\n')
        expect((await on.answer()).status).toBe(200)
        on.socket.destroy()
      }
    }
  }
  expect(await secure.stop()).toBe(0)
  rmSync(folder, { recursive: true })
})

it('a client that sends steadily and without end loses its connection', async () => {
  for (const { parts, status } of await Promise.all(paced)) {
    expect(status).toBe(404)
    // One part in a tenth of a second, or later.
    expect(parts).toBeGreaterThan(50)
    expect(parts).toBeLessThan(250)
  }
})
