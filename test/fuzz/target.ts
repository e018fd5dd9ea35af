import { afterAll, afterEach, expect } from 'vitest'
import type { Where } from '../http.ts'
import { type Server, startServer } from '../server.ts'
import { exchange } from './wire.ts'

/** The largest body, in bytes. */
export const LIMIT = 2 ** 20

/** The time in which a request must arrive, in milliseconds. */
export const REQUEST_TIMEOUT = 1500

export interface Target {
  where: Where
  server: Server
}

const livez = Buffer.from('GET /livez HTTP/1.1\r\nHost: kelvin\r\n\r\n')

/** Expects an answer of /livez. */
export async function expectAlive(where: Where): Promise<void> {
  const { answers } = await exchange(where, [livez], ({ answers }) => answers.length > 0)
  expect(answers.map(({ status }) => status)).toEqual([200])
}

/** A real server for the tests of a file. After each test it must be alive and have logged no error. */
export async function fuzzTarget(): Promise<Target> {
  const server = await startServer({
    MAX_BODY_BYTES: String(LIMIT),
    HEADERS_TIMEOUT_MS: String(REQUEST_TIMEOUT),
    REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT),
  })
  const { where } = server
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
  })
  let seen = 0
  afterEach(async () => {
    await expectAlive(where)
    expect(server.process.exitCode).toBeNull()
    const lines = server.lines.slice(seen)
    seen = server.lines.length
    const errors = lines.filter((line) => /"level":[56]0|internal error/.test(line))
    expect(errors.slice(0, 3)).toEqual([])
  })
  return { where, server }
}
