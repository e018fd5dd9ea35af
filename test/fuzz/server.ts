import { connect, type NetConnectOpts } from 'node:net'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { ask, type Where, whereIs } from '../http.ts'
import { type Server, startServer } from '../server.ts'

/** How many cases of each property, and from which seed: few where nothing is said, as in every test run. */
export const runs = {
  numRuns: Number(process.env.FUZZ_RUNS ?? 100),
  ...(process.env.FUZZ_SEED && { seed: Number(process.env.FUZZ_SEED) }),
}

/** No test is slower than this for each case. */
export const patience = 30_000 + 100 * runs.numRuns

/** A whole request has its answer in this time, and one that ends too early its end, in milliseconds. */
const DEADLINE = 10_000

export interface Target {
  where: Where
  /**
   * What the server answers to these bytes, which come in these pieces. Where it need not close the
   * connection by itself, they end: a request that is not whole would be waited for.
   */
  send(pieces: readonly Buffer[], ends?: boolean): Promise<string>
}

/** A real server for the tests of a file, which must live on and have found no fault of its own. */
export function target(): Target {
  let server: Server
  const found = {} as Target
  beforeAll(async () => {
    server = await startServer({ MAX_BODY_BYTES: '4000000' })
    found.where = whereIs(server.url)
    found.send = (pieces, ends = false) => exchange(found.where, pieces, ends)
  })
  afterEach(async () => {
    expect(server.process.exitCode).toBeNull()
    expect((await ask(found.where, '/livez')).status).toBe(200)
    expect(server.lines.filter((line) => /"level":[56]0/.test(line))).toEqual([])
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
  })
  return found
}

async function exchange(where: Where, pieces: readonly Buffer[], ends: boolean): Promise<string> {
  const socket = connect({ ...where, allowHalfOpen: true } as NetConnectOpts)
  const answer: Buffer[] = []
  socket.on('data', (piece) => answer.push(piece as Buffer))
  // It may have had enough before everything was sent.
  socket.on('error', () => {})
  const closed = new Promise<boolean>((resolve) => {
    socket.once('end', () => resolve(true))
    socket.once('close', () => resolve(true))
    setTimeout(() => resolve(false), DEADLINE).unref()
  })
  for (const piece of pieces) {
    socket.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  if (ends) setTimeout(() => socket.end(), 20)
  const isOver = await closed
  socket.destroy()
  const text = Buffer.concat(answer).toString('latin1')
  expect(isOver, `no end after ${JSON.stringify(text.slice(0, 200))}`).toBe(true)
  return text
}

/** The statuses of an answer, none of which may say that the fault is the server's. */
export function statusesOf(answer: string): number[] {
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  expect(answer === '' || statuses.length > 0, answer.slice(0, 200)).toBe(true)
  expect(statuses.filter((status) => status >= 500 && status !== 503)).toEqual([])
  expect(answer).not.toMatch(/node:internal|node_modules|\.ts:\d+/)
  return statuses
}
