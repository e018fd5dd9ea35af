import { afterAll, describe, expect, it } from 'vitest'
import { type Answer, CLOSE, Client, MIB } from './client.ts'
import { type Refusal, refusals, startServers } from './servers.ts'

/** A refused client that reads nothing until it has sent everything still gets its answer. */

const { servers, stop } = await startServers()
afterAll(stop)

function headOf({ path, headers }: Pick<Refusal, 'path' | 'headers'>, bytes: number, rest = '') {
  const target = path.replace('{columns}', String(bytes / 4 / 8192))
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${target} HTTP/1.1\r\nhost: kelvin\r\n${rest}${lines.join('')}`
}

function expectDocument(refusal: Refusal, bytes: number, { status, body }: Answer): void {
  const expected = bytes > 64 * MIB ? [refusal.status, 413] : [refusal.status]
  expect(expected).toContain(status)
  const document = JSON.parse(body)
  if (refusal.path.startsWith('/v2')) expect(document.error).toBeTypeOf('string')
  else expect(document).toMatchObject({ status, detail: expect.any(String) })
}

describe.each(refusals)('$name', (refusal) => {
  const { where } = servers[refusal.server]

  it.each([
    ['0.5 MB', 0.5 * MIB, false],
    ['20 MB in chunks', 20 * MIB, true],
    ['70 MB', 70 * MIB, false],
  ])('is read after %s, and then the connection ends', async (_, bytes, isChunked) => {
    const on = new Client(where)
    await on.send(headOf(refusal, bytes, CLOSE), bytes, isChunked)
    expectDocument(refusal, bytes, await on.answer())
    on.socket.end()
    await on.closed
  })

  it.each([
    ['0.5 MB in chunks', 0.5 * MIB, true],
    ['20 MB', 20 * MIB, false],
  ])(
    'is read after %s, and the connection continues unless it has Connection: close',
    async (_, bytes, isChunked) => {
      const on = new Client(where)
      await on.send(headOf(refusal, bytes), bytes, isChunked)
      const answer = await on.answer()
      expectDocument(refusal, bytes, answer)
      if (/^connection: close/im.test(answer.headers)) return
      on.socket.write('GET /livez HTTP/1.1\r\nhost: kelvin\r\n\r\n')
      expect((await on.answer()).status).toBe(200)
    },
  )
})
