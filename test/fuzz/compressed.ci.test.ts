import { deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { cuts, rarely } from './mutations.ts'
import { expectAnswer } from './post.ts'
import { document, JSON_TYPE, OCTETS, samplingPath } from './requests.ts'
import { check, TIMEOUT } from './runs.ts'
import { fuzzTarget, LIMIT } from './target.ts'

/** Bodies that are compressed, or only claim to be. */

const { where } = await fuzzTarget()

const encoding = fc.constantFrom(
  'gzip',
  'deflate',
  'x-gzip',
  'GZIP ',
  'identity',
  'br',
  'gzip, gzip',
  '',
)
const compress = fc.constantFrom<((bytes: Buffer) => Buffer)[]>(gzipSync, deflateSync)

it('complete, truncated, changed, or followed by other bytes', { timeout: TIMEOUT }, async () => {
  const behind = fc.oneof(
    { weight: 3, arbitrary: fc.constant(Buffer.alloc(0)) },
    fc.constantFrom(Buffer.alloc(9), Buffer.alloc(300_000), Buffer.alloc(300_000, 'garbage')),
    fc.constant(gzipSync('{}')),
  )
  const property = fc.asyncProperty(
    samplingPath,
    document,
    compress,
    encoding,
    rarely,
    behind,
    cuts,
    async (url, given, shrink, name, mutate, more, at) => {
      const body = Buffer.concat([mutate(shrink(Buffer.from(JSON.stringify(given)))), more])
      const headers = { ...JSON_TYPE, 'content-encoding': name }
      await expectAnswer(where, { path: url, headers, body }, at)
    },
  )
  await check(property, 2)
})

it('that decompress beyond the limit', { timeout: TIMEOUT }, async () => {
  const header = fc.constantFrom(OCTETS, JSON_TYPE)
  const property = fc.asyncProperty(
    compress,
    header,
    fc.constantFrom('\0', ' ', '['),
    async (shrink, type, letter) => {
      const body = shrink(Buffer.alloc(16 * LIMIT, letter))
      const headers = { ...type, 'content-encoding': shrink === gzipSync ? 'gzip' : 'deflate' }
      const { status } = await expectAnswer(where, { path: '/v1/sample', headers, body })
      // Invalid JSON is refused before it is too large.
      expect(status).toBe(type === JSON_TYPE && letter !== ' ' ? 400 : 413)
    },
  )
  await check(property, 0.1)
})
