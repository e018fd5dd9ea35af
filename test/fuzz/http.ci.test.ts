import fc from 'fast-check'
import { expect, it } from 'vitest'
import { faultOf } from './faults.ts'
import { framingOf } from './framing.ts'
import { head, target } from './heads.ts'
import { cuts, mutations, split } from './mutations.ts'
import { document, JSON_TYPE, OCTETS, pack, row, samplingPath, toBytes } from './requests.ts'
import { check, TIMEOUT } from './runs.ts'
import { expectAlive, fuzzTarget, REQUEST_TIMEOUT } from './target.ts'
import { exchange } from './wire.ts'

/** Bytes that are almost HTTP, in any segments. Complete requests get valid answers, and the server survives. */

const { where } = await fuzzTarget()

/** Bytes as text, which a failure prints. */
const joined = (pieces: readonly Uint8Array[]) => Buffer.concat(pieces).toString('latin1')

/** The number of answers other than timeouts. */
const inTime = (answers: readonly { status: number }[]) =>
  answers.filter(({ status }) => status !== 408).length

/** Expects an answer to each request that Node's server finds, or a closed connection. */
async function expectSound(text: string, at: readonly number[], pause: number): Promise<void> {
  const bytes = Buffer.from(text, 'latin1')
  const framing = framingOf(bytes)
  const { answers, rest, isClosed, isLate } = await exchange(
    where,
    split(bytes, at),
    async ({ answers }) => inTime(answers) >= (await framing).complete,
    { pause, mayBeHead: bytes.includes('HEAD') },
  )
  expect({ isLate, answered: answers.length }).toMatchObject({ isLate: false })
  for (const answer of answers) expect(faultOf(answer)).toBeUndefined()
  // A truncated end may be the start of one answer, but must not contain another.
  expect(rest.toString('latin1')).toMatch(/^(HTTP\/1\.1 (?!.*HTTP\/1\.1 )|$)/s)
  if (!isClosed) expect(rest).toHaveLength(0)
  await expectAlive(where)
}

const pause = fc.constantFrom(0, 0, 1, 3)

/** A valid request of the API. */
const request = fc.oneof(
  fc.tuple(samplingPath, document).map(([path, body]) => {
    return toBytes({ path, headers: JSON_TYPE, body: Buffer.from(JSON.stringify(body)) })
  }),
  fc.tuple(samplingPath, row).map(([path, logits]) => {
    return toBytes({ path, headers: OCTETS, body: pack(logits, 'float32') })
  }),
  target.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: kelvin\r\n\r\n`, 'latin1')),
)

it('bytes of any kind', { timeout: TIMEOUT }, async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom('GET ', 'POST ', '/', ' HTTP/1.1', '\r\n', '\r\n\r\n', 'Host: x', ':', '\0'),
  )
  const bytes = fc
    .array(piece, { minLength: 1, maxLength: 12 })
    .map((pieces) => joined(pieces.map((one) => Buffer.from(one as string, 'latin1'))))
  await check(fc.asyncProperty(bytes, cuts, pause, expectSound))
})

it('requests with changed bytes, several on a connection', { timeout: TIMEOUT }, async () => {
  const bytes = fc
    .tuple(fc.array(request, { minLength: 1, maxLength: 3 }), mutations)
    .map(([requests, mutate]) => joined([mutate(Buffer.concat(requests))]))
  await check(fc.asyncProperty(bytes, cuts, pause, expectSound))
})

it('unusual heads', { timeout: TIMEOUT }, async () => {
  const bytes = fc
    .array(fc.oneof({ weight: 3, arbitrary: head }, request), { minLength: 1, maxLength: 3 })
    .map(joined)
  await check(fc.asyncProperty(bytes, cuts, pause, expectSound), 2)
})

it('no error is written into an answer that is being sent', { timeout: TIMEOUT }, async () => {
  const { path, headers } = {
    path: '/v1/sample?return_probabilities=all',
    headers: OCTETS,
  }
  // More than the buffers of the system hold, so that the answer is still being sent.
  const large = toBytes({ path, headers, body: Buffer.alloc(2 ** 19) })
  const garbage = fc.constantFrom('garbage\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '\0\0\0\0')
  const bytes = garbage.map((text) => joined([large, Buffer.from(text)]))
  await check(
    fc.asyncProperty(bytes, fc.constantFrom([], [0.9], [0.999999]), pause, expectSound),
    0.05,
  )
})

it('a request that never ends is ended', { timeout: TIMEOUT }, async () => {
  const part = fc.double({ min: 0, max: 0.999, noNaN: true })
  const begun = fc
    .array(fc.tuple(request, part), { minLength: 20, maxLength: 20 })
    .map((all) => all.map(([bytes, length]) => bytes.subarray(0, length * bytes.length)))
  const everyOne = fc.asyncProperty(begun, async (all) => {
    const ends = all.map(async (bytes) => {
      const never = () => false
      return exchange(where, [bytes], never, { deadline: REQUEST_TIMEOUT + 5000 })
    })
    for (const { answers, isClosed } of await Promise.all(ends)) {
      expect(isClosed).toBe(true)
      for (const answer of answers) expect(faultOf(answer)).toBeUndefined()
    }
  })
  await check(everyOne, 0.01)
})
