import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ask, open, type Where } from '../http.ts'
import { startServer } from '../server.ts'

const body = JSON.stringify({ logits: Array.from({ length: 2000 }, (_, i) => i / 1000), seed: 1 })

interface Outcome {
  answered: number
  /** Answers with Connection: close. */
  closes: number
  lost: number
  resets: number
}

/**
 * A client that keeps a connection. It sends the next request after each answer, and opens a new connection after
 * Connection: close. Returns the outcomes of the requests sent before `over` and after it.
 */
async function keepAsking(
  where: Where,
  over: { at: number },
  outcome: Outcome,
  blanks: number,
): Promise<void> {
  const length = blanks + body.length
  const head = `POST /v1/sample HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
  const isReached = () => performance.now() > over.at
  for (;;) {
    const socket = connect(where as NetConnectOpts)
    const isRefused = await new Promise((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    })
    if (isRefused) return
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNRESET') outcome.resets++
    })
    for (let isKept = true; isKept; ) {
      const wasReached = isReached()
      socket.write(head + ' '.repeat(blanks) + body)
      const answer = await answerOn(socket)
      if (answer === undefined) {
        if (!wasReached) outcome.lost++
        break
      }
      outcome.answered++
      isKept = !/^connection: close\r$/im.test(answer)
      if (!isKept) outcome.closes++
    }
    socket.destroy()
  }
}

/** One complete answer; undefined if the connection ends before. */
function answerOn(socket: Socket): Promise<string | undefined> {
  let answer = ''
  return new Promise((resolve) => {
    function settle(whole?: string) {
      socket.off('data', take).off('end', settle).off('error', settle).off('close', settle)
      resolve(typeof whole === 'string' ? whole : undefined)
    }
    function take(piece: Buffer) {
      answer += piece
      const [head, ...rest] = answer.split('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(head!)?.[1]
      if (rest.length > 0 && rest.join('').length >= Number(length)) settle(answer)
    }
    socket.on('data', take).on('end', settle).on('error', settle).on('close', settle)
  })
}

it.each([
  [0, 0],
  [500, 0],
  [0, 600_000],
  [500, 600_000],
])(
  'resets no connection of 64 clients, with SHUTDOWN_DELAY_MS=%s and %s blanks before a body',
  async (delay, blanks) => {
    const server = await startServer({
      SHUTDOWN_DELAY_MS: String(delay),
      MAX_QUEUE_MS: '10000',
    })
    const over = { at: Infinity }
    const outcomes = Array.from({ length: 64 }, () => ({
      answered: 0,
      closes: 0,
      lost: 0,
      resets: 0,
    }))
    const asking = outcomes.map((outcome) => keepAsking(server.where, over, outcome, blanks))
    await expect
      .poll(() => outcomes.every(({ answered }) => answered > 0), { timeout: 20_000 })
      .toBe(true)
    // Requests sent while the server still accepts all of them.
    over.at = performance.now() + delay
    expect(await server.stop()).toBe(0)
    await Promise.all(asking)
    expect(outcomes.reduce((sum, { lost, resets }) => sum + lost + resets, 0)).toBe(0)
    for (const { closes } of outcomes) expect(closes).toBeGreaterThan(0)
  },
)

it('ends idle and silent connections cleanly, and answers requests already sent on them', async () => {
  const server = await startServer()
  const { where } = server
  const livez = 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n'
  const [idle, crossing, silent] = await Promise.all([open(where), open(where), open(where)])
  for (const { socket } of [idle, crossing]) socket.write(livez)
  await expect.poll(() => [idle.answer, crossing.answer]).not.toContain('')
  const ended = server.stop()
  await setTimeout(70)
  crossing.socket.write(livez)
  // A reset would be an error here.
  await Promise.all([idle.closed, crossing.closed, silent.closed])
  expect(await ended).toBe(0)
  expect(crossing.answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2)
  expect(crossing.answer.match(/connection: close/gi)).toHaveLength(1)
  expect(idle.answer).not.toMatch(/connection: close/i)
  expect(silent.answer).toBe('')
})

it('answers all requests already sent on a connection, and closes it after the last', async () => {
  const server = await startServer({ SHUTDOWN_DELAY_MS: '400' })
  const { where } = server
  const ended = server.stop()
  await expect.poll(async () => (await ask(where, '/readyz')).status).toBe(503)
  const { socket, closed, ...connection } = await open(where)
  let answer = connection.answer
  socket.on('data', (piece) => {
    answer += piece
  })
  const post = `POST /v1/sample HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  socket.write(post.repeat(3))
  await closed
  expect(answer.match(/HTTP\/1.1 200 OK/g)).toHaveLength(3)
  expect(answer.match(/connection: close/gi)).toHaveLength(1)
  expect(await ended).toBe(0)
})

it('ends with npm start', async () => {
  const server = await startServer({}, ['npm', '--silent', 'start'])
  await server.stop()
  const refused = expect.objectContaining({ code: 'ECONNREFUSED' })
  await expect(ask(server.where, '/livez')).rejects.toEqual(refused)
})

it('is not ready during SHUTDOWN_DELAY_MS, but still answers requests', async () => {
  const server = await startServer({ SHUTDOWN_DELAY_MS: '1500' })
  const { where } = server
  const ended = server.stop()
  await expect.poll(async () => (await ask(where, '/readyz')).status).toBe(503)
  expect(JSON.parse((await ask(where, '/readyz')).body).code).toBe('SHUTTING_DOWN')
  expect((await ask(where, '/v2/health/ready')).status).toBe(503)
  expect((await ask(where, '/v2/models/sample/ready')).status).toBe(503)
  for (const probe of ['/livez', '/v2/health/live'])
    expect((await ask(where, probe)).status).toBe(200)
  expect((await ask(where, '/v1/sample', body)).status).toBe(200)
  expect(await ended).toBe(0)
})
