import type { IncomingMessage } from 'node:http'
import { afterAll, describe, expect, it } from 'vitest'
import { type Admission, admit, openAdmission, type Refusal } from '../src/admission/admission.ts'
import { loadConfig } from '../src/config.ts'
import { Problem } from '../src/errors.ts'
import { ask, halfSent, open, whereIs } from './http.ts'
import { type Server, startServer } from './server.ts'

const servers: Server[] = []
afterAll(() => Promise.all(servers.map((server) => server.stop())))

async function start(environment: Record<string, string>) {
  const server = await startServer(environment)
  servers.push(server)
  return Object.assign(server, { where: whereIs(server.url) })
}

const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const head = (length: number | string, url = '/v1/sample') =>
  `POST ${url} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${
    typeof length === 'number' ? `content-length: ${length}` : length
  }\r\n\r\n`

const parse = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
const answered = (connection: { answer: string }) =>
  expect.poll(() => connection.answer, { timeout: 5000 }).toMatch(/\r\n\r\n./s)

describe('a request too many', () => {
  it('is refused before its body is read, with a time to come again', async () => {
    const { where } = await start({ MAX_INFLIGHT_REQUESTS: '1' })
    const first = await halfSent(where)
    const second = await open(where)
    second.socket.write(head(60_000))
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 503 .*\r\nretry-after: 1\r\n/s)
    expect(second.answer).toMatch(/content-type: application\/problem\+json/i)
    expect(second.answer).toMatch(/x-request-id: [\w-]{36}/)
    expect(parse(second.answer)).toMatchObject({ code: 'OVERLOADED', status: 503 })
    first.socket.write(first.rest)
    await answered(first)
    expect(first.answer).toMatch(/^HTTP\/1.1 200 /)
    expect((await ask(where, '/v1/sample', body)).status).toBe(200)
  })

  it('keeps its connection, where the body is short', async () => {
    const { where } = await start({ MAX_INFLIGHT_REQUESTS: '1' })
    const first = await halfSent(where)
    const second = await open(where)
    second.socket.write(head(body.length) + body)
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 503 /)
    first.socket.write(first.rest)
    await answered(first)
    second.answer = ''
    second.socket.write(head(body.length) + body)
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 200 /)
  })

  it('is told so also while it is still sending, and is then let go', async () => {
    const { where } = await start({ MAX_INFLIGHT_REQUESTS: '1' })
    await halfSent(where)
    for (const announced of [2 ** 25, 'transfer-encoding: chunked']) {
      const second = await open(where)
      const closed = new Promise((resolve) => second.socket.once('close', resolve))
      second.socket.on('error', () => {})
      second.closed.catch(() => {})
      second.socket.write(head(announced))
      second.socket.write(Buffer.alloc(2 ** 22, '1'))
      await answered(second)
      expect(second.answer).toMatch(/^HTTP\/1.1 503 .*connection: close/is)
      await closed
    }
  })

  it('is spared sending what it asked first about', async () => {
    const { where } = await start({ MAX_INFLIGHT_REQUESTS: '1' })
    const first = await open(where)
    first.socket.write(head(`content-length: ${body.length}\r\nexpect: 100-continue`))
    await expect.poll(() => first.answer).toMatch(/^HTTP\/1.1 100 Continue/)
    const second = await open(where)
    second.socket.write(head(`content-length: ${body.length}\r\nexpect: 100-continue`))
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 503 /)
  })

  it('has an answer that clients of the Open Inference Protocol read', async () => {
    const { where } = await start({ MAX_INFLIGHT_REQUESTS: '1' })
    await halfSent(where)
    const { status, body: text } = await ask(where, '/v2/models/sample/infer', '{}')
    expect(status).toBe(503)
    expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/1 requests under way/) })
  })

  it('leaves probes and pages alone', async () => {
    const server = await start({ MAX_INFLIGHT_REQUESTS: '1' })
    await halfSent(server.where)
    for (const url of ['/livez', '/readyz', '/v2/health/ready', '/v1/info', '/']) {
      expect((await ask(server.where, url)).status, url).toBe(200)
    }
    await ask(server.where, '/v1/sample', body)
    const told = () => server.lines.filter((line) => line.includes('requests refused'))
    await expect.poll(told, { timeout: 5000 }).toHaveLength(1)
    expect(JSON.parse(told()[0]!).refused).toEqual({ requests: 1 })
  })
})

describe('bytes under way', () => {
  it('count as announced', async () => {
    const { where } = await start({ MAX_INFLIGHT_BYTES: '100000' })
    const first = await open(where)
    first.socket.write(head(90_000))
    await expect
      .poll(async () => (await ask(where, '/v1/sample', ' '.repeat(20_000) + body)).status)
      .toBe(503)
    expect((await ask(where, '/v1/sample', body)).status).toBe(200)
    first.socket.destroy()
    await expect
      .poll(async () => (await ask(where, '/v1/sample', ' '.repeat(20_000) + body)).status)
      .toBe(200)
  })

  it('count as they come where nothing is announced', async () => {
    const { where } = await start({ MAX_INFLIGHT_BYTES: '100000' })
    await halfSent(where)
    const second = await open(where)
    second.socket.write(head('transfer-encoding: chunked'))
    for (let i = 0; i < 10; i++) second.socket.write(`4e20\r\n${' '.repeat(20_000)}\r\n`)
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 503 /)
    expect(parse(second.answer).detail).toMatch(/more than 100000 bytes/)
  })

  it('are never too many for one alone', async () => {
    const { where } = await start({ MAX_INFLIGHT_BYTES: '1024' })
    expect((await ask(where, '/v1/sample', ' '.repeat(20_000) + body)).status).toBe(200)
  })
})

describe('what is refused', () => {
  const request = { headers: { 'content-length': '10' } } as unknown as IncomingMessage
  const late = (delay: number) => ({ loop: { delay, stop() {} } })

  it.each<[string, Partial<Admission>, Refusal | undefined]>([
    ['nothing in a calm', { requests: 40, cost: 1, burst: 100, idle: 0 }, undefined],
    ['a burst that takes long', { requests: 9, cost: 200, burst: 100 }, 'saturation'],
    ['what does not end', { requests: 3, cost: 1, burst: 0, idle: 1e9 }, 'saturation'],
    ['not the few that can be done', { requests: 2, cost: 200, burst: 0 }, undefined],
    ['what comes to a loop that is late', { ...late(300), requests: 1 }, 'event_loop_delay'],
    ['not the only one', { ...late(300), requests: 0 }, undefined],
    ['more than a burst may be', { requests: 256, cost: 0 }, 'requests'],
    ['more bytes than may be', { requests: 1, bytes: 2 ** 27 }, 'bytes'],
    ['everything at the end', { phase: 'closing' }, 'shutting_down'],
  ])('%s', (_, state, reason) => {
    const admission = { ...openAdmission(loadConfig({})), ...state }
    admission.loop.stop()
    const outcome = admit(admission, request)
    expect(outcome instanceof Problem).toBe(reason !== undefined)
    const counted = [...admission.refused].filter(([, count]) => count > 0)
    expect(counted).toEqual(reason ? [[reason, 1]] : [])
  })
})

describe('who is too slow', () => {
  it.each([
    ['headers', { HEADERS_TIMEOUT_MS: '1000' }, 'POST /v1/sample HTTP/1.1\r\nhost: x\r\n'],
    ['a request on a new connection', { HEADERS_TIMEOUT_MS: '1000' }, ''],
    ['a body', { REQUEST_TIMEOUT_MS: '1000' }, `${head(10)}{`],
  ])('with %s, is told so', async (_, environment, bytes) => {
    const { where } = await start(environment as Record<string, string>)
    const connection = await open(where)
    connection.socket.write(bytes)
    await connection.closed
    expect(connection.answer).toMatch(/^HTTP\/1.1 408 /)
  })

  it('with the next request, is let go', async () => {
    const { where } = await start({ KEEP_ALIVE_TIMEOUT_MS: '200' })
    const connection = await open(where)
    const sent = performance.now()
    connection.socket.write(head(body.length) + body)
    await connection.closed
    expect(connection.answer).toMatch(/^HTTP\/1.1 200 /)
    expect(performance.now() - sent).toBeLessThan(5000)
  })

  it('to read an answer, is not waited for', async () => {
    const { where, lines } = await start({ REQUEST_TIMEOUT_MS: '1000' })
    const connection = await open(where)
    connection.socket.pause()
    const many = JSON.stringify({ logits: [1, 2, 3], n: 65_536, return_probabilities: 'none' })
    const rows = `{"logits":[${'[1,2,3],'.repeat(15)}[1,2,3]],${many.slice(18)}`
    connection.socket.write(head(rows.length) + rows)
    const cutOff = () => lines.filter((line) => line.includes('"aborted"'))
    await expect.poll(cutOff, { timeout: 10_000 }).toHaveLength(1)
    connection.closed.catch(() => {})
    connection.socket.destroy()
  })
})
