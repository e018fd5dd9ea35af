import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { last, valid } from './requests.ts'
import { patience, runs, statusesOf, target } from './server.ts'

const server = target()

/** What may happen to bytes on their way. */
type Change = {
  at: number
  kind: 'flip' | 'insert' | 'delete' | 'repeat' | 'cut'
  bytes: Uint8Array
}

/** What parsers trip over, rather than any byte. */
const hostile = fc
  .constantFrom(
    '\r\n',
    '\n',
    '\r\n\r\n',
    '\0',
    ':',
    ';',
    '%',
    '"',
    '\\u',
    '{',
    '[',
    '-',
    '1e999',
    '\xff\xfe',
    'content-length: 3\r\n',
    'transfer-encoding: chunked\r\n',
    'expect: 100-continue\r\n',
    'content-encoding: gzip\r\n',
    'connection: upgrade\r\nupgrade: h2c\r\n',
    'ffffffffffffffff\r\n',
  )
  .map((text) => Uint8Array.from(Buffer.from(text, 'latin1')))

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('flip', 'insert', 'delete', 'repeat', 'cut'),
  bytes: fc.oneof(hostile, fc.uint8Array({ minLength: 1, maxLength: 8 })),
})

function apply(request: Buffer, { at, kind, bytes }: Change): Buffer {
  const from = Math.floor(at * request.length)
  const to = Math.min(request.length, from + bytes.length)
  const [before, there, after] = [
    request.subarray(0, from),
    request.subarray(from, to),
    request.subarray(to),
  ]
  if (kind === 'flip')
    return Buffer.concat([before, there.map((byte, i) => byte ^ bytes[i]!), after])
  if (kind === 'insert') return Buffer.concat([before, bytes, there, after])
  if (kind === 'repeat') return Buffer.concat([before, there, there, after])
  return kind === 'delete' ? Buffer.concat([before, after]) : before
}

/** In pieces, as networks deliver. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b)
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1]!, end))
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 })

describe('bytes on a socket', () => {
  it(
    'that are requests are answered, however they are cut, one after the other',
    async () => {
      const several = fc.array(fc.constantFrom(...valid), { minLength: 1, maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(several, places, async (requests, cuts) => {
          const bytes = Buffer.concat([...requests, last])
          const statuses = statusesOf(await server.send(cut(bytes, cuts)))
          expect(statuses).toEqual([...requests, last].map(() => 200))
        }),
        runs,
      )
    },
    patience,
  )

  it(
    'that were requests end in an answer or an end',
    async () => {
      const changes = fc.array(change, { minLength: 1, maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...valid), changes, places, async (request, all, cuts) => {
          statusesOf(await server.send(cut(all.reduce(apply, request), cuts), true))
        }),
        { ...runs, numRuns: 5 * runs.numRuns },
      )
    },
    5 * patience,
  )

  it(
    'that never were do so too',
    async () => {
      const bytes = fc.array(fc.oneof(hostile, fc.uint8Array({ maxLength: 64 })), { maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(bytes, async (pieces) => {
          const sent = pieces.map((piece) => Buffer.from(piece))
          statusesOf(await server.send(sent, true))
        }),
        runs,
      )
    },
    patience,
  )
})
