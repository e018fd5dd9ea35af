import { afterAll, describe, expect, it } from 'vitest'
import { ask, open, type Where } from '../http.ts'
import { gauge, occupy } from '../occupy.ts'
import { starter } from '../server.ts'

const start = starter(afterAll)

const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
const head = (length: number | string, url = '/v1/sample') =>
  `POST ${url} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${
    typeof length === 'number' ? `content-length: ${length}` : length
  }\r\n\r\n`

const parse = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))
const answered = (connection: { answer: string }) =>
  expect.poll(() => connection.answer, { timeout: 5000 }).toMatch(/\r\n\r\n./s)

/**
 * Sends the beginning of a request to a server that is kept busy, until it is refused. Between two requests of the
 * clients that keep it busy, the server may have room for this one. Then it waits for the rest of the body, or has
 * another answer.
 */
async function sendUntilRefused(where: Where, text: string) {
  for (;;) {
    const connection = await open(where)
    connection.closed.catch(() => {})
    connection.socket.write(text)
    const end = performance.now() + 1000
    while (!connection.answer.includes('}') && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    if (connection.answer.startsWith('HTTP/1.1 503 ')) return connection
    connection.socket.destroy()
  }
}

/** A server that computes four requests at a time and lets none wait. */
const FULL = { MAX_QUEUE: '0' }

describe('a refused request', () => {
  it('gets its answer before its body is read, with Retry-After', async () => {
    const { where, url } = await start(FULL)
    const finished = await occupy(url)
    const second = await sendUntilRefused(where, head(60_000))
    expect(second.answer).toMatch(/^HTTP\/1.1 503 .*\r\nretry-after: \d\r\n/s)
    expect(second.answer).toMatch(/\r\nretry-after-ms: \d{2,4}\r\n/)
    expect(second.answer).toMatch(/content-type: application\/problem\+json/i)
    expect(second.answer).toMatch(/x-request-id: [\w-]{36}/)
    expect(parse(second.answer)).toMatchObject({ code: 'OVERLOADED', status: 503 })
    expect(await finished()).toContain(200)
    expect((await ask(where, '/v1/sample', body)).status).toBe(200)
  })

  it('keeps its connection if the body is short', async () => {
    const { where, url } = await start(FULL)
    const finished = await occupy(url)
    const second = await sendUntilRefused(where, head(body.length) + body)
    await finished()
    second.answer = ''
    second.socket.write(head(body.length) + body)
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 200 /)
  })

  it('gets its answer while it still sends, and then loses its connection', async () => {
    const { where, url } = await start(FULL)
    for (const announced of [2 ** 25, 'transfer-encoding: chunked']) {
      const finished = await occupy(url)
      const second = await open(where)
      const closed = new Promise((resolve) => second.socket.once('close', resolve))
      second.socket.on('error', () => {})
      second.closed.catch(() => {})
      second.socket.write(head(announced))
      second.socket.write(Buffer.alloc(2 ** 22, '1'))
      await answered(second)
      expect(second.answer).toMatch(/^HTTP\/1.1 503 .*connection: close/is)
      await closed
      await finished()
    }
  })

  it('does not send its body if it sent Expect: 100-continue', async () => {
    const { where, url } = await start(FULL)
    const first = await open(where)
    first.socket.write(head(`content-length: ${body.length}\r\nexpect: 100-continue`))
    await expect.poll(() => first.answer).toMatch(/^HTTP\/1.1 100 Continue/)
    const finished = await occupy(url)
    const second = await open(where)
    second.socket.write(head(`content-length: ${body.length}\r\nexpect: 100-continue`))
    await answered(second)
    expect(second.answer).toMatch(/^HTTP\/1.1 503 /)
    await finished()
  })

  it('on /v2 gets an error of the Open Inference Protocol', async () => {
    const { where, url } = await start(FULL)
    const finished = await occupy(url)
    const refused = await sendUntilRefused(where, `${head(2, '/v2/models/sample/infer')}{}`)
    expect(parse(refused.answer)).toEqual({ error: expect.stringMatching(/try again in \d+ ms/) })
    await finished()
  })

  it('does not affect probes and pages, and is counted', async () => {
    const server = await start(FULL)
    const finished = await occupy(server.url)
    for (const path of ['/livez', '/readyz', '/v2/health/ready', '/v1/info', '/']) {
      expect((await ask(server.where, path)).status, path).toBe(200)
    }
    await ask(server.where, '/v1/sample', body)
    const told = () => server.lines.filter((line) => line.includes('requests refused'))
    await expect.poll(told, { timeout: 5000 }).not.toHaveLength(0)
    expect(JSON.parse(told()[0]!).refused).toEqual({ queue: expect.any(Number) })
    await finished()
  })

  it('without a key gets a 401', async () => {
    const { where } = await start({ ...FULL, API_KEYS: 'a-key-that-nobody-guesses' })
    const waiting = await open(where)
    waiting.socket.write(head(body.length))
    await answered(waiting)
    expect(waiting.answer).toMatch(/^HTTP\/1.1 401 /)
  })
})

describe('waiting requests', () => {
  it('are all answered, in the order in which they came', async () => {
    const { url, where } = await start({})
    const finished = await occupy(url, 6)
    const order: number[] = []
    const answers = [1, 2, 3].map(async (i) => {
      await new Promise((resolve) => setTimeout(resolve, 20 * i))
      const { status } = await ask(where, '/v1/sample', body)
      order.push(i)
      return status
    })
    expect(await Promise.all(answers)).toEqual([200, 200, 200])
    expect(order).toEqual([1, 2, 3])
    expect(await finished()).toEqual(new Set([200]))
  })

  it('leave the queue when their clients disconnect', async () => {
    const { url, where } = await start({})
    const finished = await occupy(url)
    const queued = () => gauge(url, 'kelvin_queued_requests')
    // A place is free for a moment between two requests of a busy client. Then the late request is answered.
    async function isQueuedOnce(): Promise<boolean> {
      const late = await open(where)
      late.closed.catch(() => {})
      late.socket.write(head(body.length) + body)
      const isQueued = (await queued()) === 1
      late.socket.destroy()
      return isQueued
    }
    await expect.poll(isQueuedOnce, { timeout: 10_000 }).toBe(true)
    await expect.poll(queued, { timeout: 5000 }).toBe(0)
    await finished()
    expect(await gauge(url, 'kelvin_inflight_requests')).toBe(0)
    expect(await gauge(url, 'kelvin_inflight_bytes')).toBe(0)
  })
})

describe('clients that send nothing', () => {
  it.each<[string, number, number, string]>([
    ['of a short body', 20, 100, '{'],
    ['of a body as large as may be', 3, 67_000_000, '{'],
  ])('%s do not block other clients', async (_, clients, length, sent) => {
    const { url, where } = await start({})
    const stalled = await Promise.all(Array.from({ length: clients }, () => open(where)))
    for (const { socket } of stalled) socket.write(head(length) + sent)
    await expect.poll(() => gauge(url, 'kelvin_inflight_requests')).toBe(clients)
    const answers = Array.from({ length: 30 }, () => ask(where, '/v1/sample', body))
    expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(
      new Set([200]),
    )
    // No client lost its connection.
    expect(await gauge(url, 'kelvin_inflight_requests')).toBe(clients)
    for (const { socket } of stalled) socket.destroy()
  })
})

describe('memory', () => {
  const LITTLE = { MAX_INFLIGHT_BYTES: '100000' }

  it('makes a request wait until it is free', async () => {
    const { where } = await start(LITTLE)
    const large = ' '.repeat(90_000) + body
    const answers = Array.from({ length: 10 }, () => ask(where, '/v1/sample', large))
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(
      new Array(10).fill(200),
    )
  })

  it('is taken from a request that has stopped sending', async () => {
    const { url, where } = await start(LITTLE)
    const stalled = await open(where)
    stalled.socket.write(head(500_000))
    stalled.socket.write(' '.repeat(99_000))
    await expect.poll(() => gauge(url, 'kelvin_inflight_bytes')).toBe(99_000)
    expect((await ask(where, '/v1/sample', ' '.repeat(2e7) + body)).status).toBe(200)
    await answered(stalled)
    expect(stalled.answer).toMatch(/^HTTP\/1.1 503 /)
  })

  it('does not make small requests wait', async () => {
    const { url, where } = await start({})
    const uploads = await Promise.all(Array.from({ length: 40 }, () => open(where)))
    for (const { socket, closed } of uploads) {
      socket.on('error', () => {})
      closed.catch(() => {})
      socket.write(head(60_000_000) + ' '.repeat(4_000_000))
    }
    const held = () => gauge(url, 'kelvin_inflight_bytes')
    await expect.poll(held, { timeout: 5000 }).toBeGreaterThan(5e7)
    const statuses = await Promise.all(
      Array.from({ length: 20 }, async () => (await ask(where, '/v1/sample', body)).status),
    )
    expect(new Set(statuses)).toEqual(new Set([200]))
    for (const { socket } of uploads) socket.destroy()
  })

  it('makes small requests wait if their values are large', async () => {
    const { url, where } = await start({ MAX_INFLIGHT_BYTES: '4000000' })
    const lists = `{"logits":[${'[1],'.repeat(20_000)}`
    const stalled = await Promise.all(Array.from({ length: 10 }, () => open(where)))
    for (const { socket, closed } of stalled) {
      socket.on('error', () => {})
      closed.catch(() => {})
      socket.write(head(lists.length + 10) + lists)
    }
    const held: number[] = []
    for (let i = 0; i < 8; i++) {
      expect((await ask(where, '/v1/sample', body)).status).toBe(200)
      held.push(await gauge(url, 'kelvin_inflight_bytes'))
    }
    // Four are read at a time, and each may be charged with another piece of 64 KiB, in which a list takes some 380 bytes.
    const piece = (2 ** 16 / '[1],'.length) * 400
    expect(Math.max(...held)).toBeLessThan(1.5 * 4e6 + 4 * piece)
    for (const { socket } of stalled) socket.destroy()
  })

  it('is taken from a request that sends too slowly for the memory it holds', async () => {
    const { where } = await start({ MAX_INFLIGHT_BYTES: '4000000' })
    const slow = await Promise.all([open(where), open(where)])
    for (const { socket, closed } of slow) {
      socket.on('error', () => {})
      closed.catch(() => {})
      socket.write(head(60_000_000) + ' '.repeat(3_000_000))
    }
    const trickle = setInterval(() => {
      for (const { socket } of slow) socket.write(' '.repeat(20_000))
    }, 200)
    const large = ' '.repeat(3_900_000) + body
    const status = async () => (await ask(where, '/v1/sample', large)).status
    await expect.poll(status, { timeout: 10_000 }).toBe(200)
    clearInterval(trickle)
    for (const { socket } of slow) socket.destroy()
  })

  it('always suffices for a single request', async () => {
    const { where } = await start({ MAX_INFLIGHT_BYTES: '1024' })
    expect((await ask(where, '/v1/sample', ' '.repeat(20_000) + body)).status).toBe(200)
  })
})

describe('a slow client', () => {
  it.each([
    ['headers', { HEADERS_TIMEOUT_MS: '300' }, 'POST /v1/sample HTTP/1.1\r\nhost: x\r\n'],
    ['a request on a new connection', { HEADERS_TIMEOUT_MS: '300' }, ''],
    ['a body', { REQUEST_TIMEOUT_MS: '300' }, `${head(10)}{`],
    ['any of its body', { BODY_GRACE_MS: '300' }, `${head(10)}{`],
    ['the rest of a body', { BODY_GRACE_MS: '300' }, `${head(2 ** 20)}${' '.repeat(2 ** 16)}`],
  ])('with %s gets a 408 and loses its connection', async (_, environment, bytes) => {
    const { where } = await start(environment as Record<string, string>)
    const connection = await open(where)
    connection.closed.catch(() => {})
    connection.socket.write(bytes)
    await answered(connection)
    expect(connection.answer).toMatch(/^HTTP\/1.1 408 .*connection: close/is)
    await gone(connection)
  })

  it('that sends single bytes gets a 408, too', async () => {
    const { url, where } = await start({ BODY_GRACE_MS: '300' })
    const connection = await open(where)
    connection.closed.catch(() => {})
    connection.socket.on('error', () => {})
    connection.socket.write(head(10_000))
    const trickle = setInterval(() => connection.socket.write(' '), 20)
    await answered(connection)
    expect(connection.answer).toMatch(/^HTTP\/1.1 408 /)
    expect(parse(connection.answer).detail).toMatch(/slower than 1024 bytes a second/)
    await gone(connection)
    clearInterval(trickle)
    expect(await gauge(url, 'kelvin_inflight_bytes')).toBe(0)
  })

  it('that sends no next request loses its connection', async () => {
    const { where } = await start({ KEEP_ALIVE_TIMEOUT_MS: '200' })
    const connection = await open(where)
    connection.socket.write(head(body.length) + body)
    await connection.closed
    expect(connection.answer).toMatch(/^HTTP\/1.1 200 /)
  })

  it.each(['READ_TIMEOUT_MS', 'REQUEST_TIMEOUT_MS'])(
    'that does not read its answer loses its connection after %s',
    async (limit) => {
      const { url, where, lines } = await start({ [limit]: '1000' })
      const connection = await open(where)
      connection.closed.catch(() => {})
      connection.socket.pause()
      const many = JSON.stringify({ logits: [1, 2, 3], n: 65_536, return_probabilities: 'none' })
      const rows = `{"logits":[${'[1,2,3],'.repeat(15)}[1,2,3]],${many.slice(18)}`
      connection.socket.write(head(rows.length) + rows)
      const cutOff = () => lines.filter((line) => line.includes('"aborted"'))
      // By default it waits for ten seconds.
      await expect.poll(cutOff, { timeout: 9000 }).toHaveLength(1)
      expect(await gauge(url, 'kelvin_inflight_bytes')).toBe(0)
      connection.socket.destroy()
    },
  )
})

it('a client that waits for a long computation keeps its connection', async () => {
  const { url } = await start({ READ_TIMEOUT_MS: '100' })
  const finished = await occupy(url, 2)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(await finished()).toEqual(new Set([200]))
})

/** Waits until the server has closed a connection and refuses what is sent on it. */
async function gone({ socket }: Awaited<ReturnType<typeof open>>): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  if (socket.closed) return
  socket.on('error', () => {})
  const knocking = setInterval(() => socket.write(' '), 50)
  await closed
  clearInterval(knocking)
}
