import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { sampleOperation } from '../../src/protocols/request.ts'
import { inferBinary, json, last, post } from './requests.ts'
import { patience, runs, statusesOf, target } from './server.ts'

const server = target()

const OCTETS = 'application/octet-stream'
const names = Object.keys(z.toJSONSchema(sampleOperation.Fields, { io: 'input' }).properties!)

const number = fc.oneof(
  fc.integer({ min: -3, max: 12 }),
  fc.double(),
  fc.constantFrom(-0, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53, -1),
)
const key = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.constantFrom('__proto__', 'constructor', '0', '-1', 'token_ids', 'bias'),
)
/** What a field may be given, likely or not. */
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    number,
    fc.boolean(),
    fc.constantFrom(null, '-Infinity', 'NaN', '', 'vllm', 'sample', 'AAAAAAAA', '42'),
    fc.string({ unit: 'binary', maxLength: 8 }),
    fc.array(tie('any'), { maxLength: 5 }),
    fc.dictionary(key, tie('any'), { maxKeys: 3 }),
  ),
})).any
const logits = fc.oneof(
  {
    arbitrary: fc.array(fc.double({ min: -50, max: 50, noNaN: true }), {
      minLength: 1,
      maxLength: 8,
    }),
    weight: 3,
  },
  value,
)
const masked = fc.array(fc.constantFrom('-Infinity', -1, 3), { minLength: 1, maxLength: 4 })
const fields = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 })

/** An answer in JSON that is one of success or of a fault of the request, and small where it is that. */
async function check(request: Buffer): Promise<void> {
  const both = await server.send([request, last])
  const answer = both.slice(0, both.lastIndexOf('HTTP/1.1 200 OK'))
  const [status, ...others] = statusesOf(answer)
  expect(others).toEqual([])
  expect([200, 400, 413, 415, 422]).toContain(status)
  const content = answer.slice(answer.indexOf('\r\n\r\n') + 4)
  if (/content-type: application\/octet-stream/i.test(answer)) return
  const document = JSON.parse(Buffer.from(content, 'latin1').toString())
  if (status === 200) expect(document.results ?? document.outputs).toBeInstanceOf(Array)
  else {
    expect(document.detail ?? document.error).toEqual(expect.any(String))
    expect(content.length).toBeLessThan(8192)
  }
}

describe('bodies', () => {
  it(
    'of fields that are known, with anything in them',
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.oneof(logits, masked), fields, async (row, more) => {
          await check(json({ logits: row, ...more }))
        }),
        { ...runs, numRuns: 5 * runs.numRuns },
      )
    },
    5 * patience,
  )

  it(
    'of tensors, sparse rows and batches with anything in them',
    async () => {
      const dtype = fc.constantFrom('float32', 'float16', 'bfloat16', 'float64', 'int8')
      const tensor = fc.record(
        {
          dtype,
          shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 }), value),
          data: fc.oneof(fc.base64String({ maxLength: 64 }), value),
        },
        { requiredKeys: ['dtype'] },
      )
      const sparse = fc.record(
        {
          vocab_size: number,
          token_ids: fc.array(number, { maxLength: 5 }),
          values: fc.array(number, { maxLength: 5 }),
          log_z: number,
        },
        { requiredKeys: ['vocab_size'] },
      )
      const batch = fc.array(fc.array(number, { maxLength: 4 }), { maxLength: 4 })
      const rows = fc.array(fields, { maxLength: 4 })
      await fc.assert(
        fc.asyncProperty(fc.oneof(tensor, sparse, batch), rows, async (row, overrides) => {
          await check(json({ logits: row, rows: overrides }))
        }),
        runs,
      )
    },
    patience,
  )

  it(
    'of bytes, with anything in the query',
    async () => {
      const given = fc.array(
        fc.tuple(
          fc.oneof(fc.constantFrom(...names, 'dtype', 'shape'), key),
          fc.oneof(
            number.map(String),
            fc.constantFrom('float16', '1,5', '[1]', 'true', '%zz', '%00'),
            fc
              .string({ unit: 'binary', maxLength: 8 })
              .filter((text) => text.isWellFormed())
              .map(encodeURIComponent),
          ),
        ),
        { maxLength: 4 },
      )
      await fc.assert(
        fc.asyncProperty(given, fc.uint8Array({ maxLength: 64 }), async (pairs, body) => {
          const query = pairs
            .map(([name, text]) => `${encodeURIComponent(name.toWellFormed())}=${text}`)
            .join('&')
          await check(post(`/v1/sample?${query}`, OCTETS, Buffer.from(body)))
        }),
        runs,
      )
    },
    patience,
  )

  it(
    'of the Open Inference Protocol, with lies about lengths',
    async () => {
      const length = fc.oneof(
        fc.integer({ min: -2, max: 400 }),
        fc.constantFrom('x', '', '1e2', '999999999999999'),
      )
      const input = fc.record(
        {
          name: fc.constantFrom('logits', 'temperature', 'top_k', 'nothing'),
          shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 9 }), { maxLength: 3 }), value),
          datatype: fc.constantFrom('FP32', 'FP16', 'BF16', 'INT64', 'BYTES', 'FP8'),
          parameters: fc.oneof(
            fc.record({ binary_data_size: fc.integer({ min: -1, max: 80 }) }),
            value,
          ),
          data: fc.oneof(fc.array(number, { maxLength: 9 }), value),
        },
        { requiredKeys: ['name', 'shape', 'datatype'] },
      )
      const request = fc.record(
        { inputs: fc.array(input, { maxLength: 3 }), parameters: fields, outputs: value },
        { requiredKeys: ['inputs'] },
      )
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(request, value),
          fc.uint8Array({ maxLength: 80 }),
          fc.option(length),
          async (described, tail, lie) => {
            const header = Buffer.from(JSON.stringify(described) ?? '')
            await check(inferBinary(lie ?? header.length, Buffer.concat([header, tail])))
          },
        ),
        runs,
      )
    },
    patience,
  )

  it(
    'that are compressed, or say so',
    async () => {
      const cut = fc.double({ min: 0, max: 1, noNaN: true })
      const encoding = fc.constantFrom(
        'gzip',
        'deflate',
        'x-gzip',
        'br',
        'identity',
        'gzip, gzip',
        '',
      )
      await fc.assert(
        fc.asyncProperty(
          encoding,
          cut,
          fc.uint8Array({ maxLength: 9 }),
          async (name, end, garbage) => {
            const whole = gzipSync('{"logits":[1,2,3]}')
            const body = Buffer.concat([whole.subarray(0, Math.ceil(end * whole.length)), garbage])
            await check(post('/v1/sample', 'application/json', body, { 'content-encoding': name }))
          },
        ),
        runs,
      )
      const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
      const answer = await server.send([
        post('/v1/sample', 'application/json', bomb, { 'content-encoding': 'gzip' }),
        last,
      ])
      expect(statusesOf(answer)).toEqual([413, 200])
    },
    patience,
  )
})
