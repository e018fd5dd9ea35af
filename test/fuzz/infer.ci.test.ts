import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { it } from 'vitest'
import { datatypeNames } from '../../src/protocols/open-inference/datatypes.ts'
import { changes, writeChanged } from './json.ts'
import { cuts, rarely } from './mutations.ts'
import { expectAnswer } from './post.ts'
import { type Dtype, dtype, fields, inferPath, pack, row } from './requests.ts'
import { check, TIMEOUT } from './runs.ts'
import { fuzzTarget } from './target.ts'

/** Requests of the Open Inference Protocol: JSON, tensors after it, and wrong lengths. */

const { where } = await fuzzTarget()

const datatypes: Record<Dtype, string> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  bfloat16: 'BF16',
}

interface Tensor {
  input: Record<string, unknown>
  binary: Buffer
}

const logits: fc.Arbitrary<Tensor> = fc
  .tuple(row, dtype, fc.integer({ min: 1, max: 3 }), fc.boolean())
  .map(([one, type, rows, isBinary]) => {
    const numbers = new Array<number[]>(rows).fill(one).flat()
    const binary = isBinary ? pack(numbers, type) : Buffer.alloc(0)
    const about = { name: 'logits', datatype: datatypes[type], shape: [rows, one.length] }
    const elements = isBinary
      ? { parameters: { binary_data_size: binary.length } }
      : { data: numbers }
    return { input: { ...about, ...elements }, binary }
  })

const other: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom('temperature', 'seed', 'top_k', 'banned_token_ids', 'token_bitmask', 'profile'),
    fc.constantFrom(
      'trace',
      'order',
      'logit_bias',
      'rows',
      '__proto__',
      'nothing',
      'prompt_token_ids',
    ),
    fc.boolean(),
    fc.constantFrom(...datatypeNames),
    fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
    fc.uint8Array({ maxLength: 24 }),
    fc.boolean(),
  )
  .map(([name, rare, isRare, datatype, shape, bytes, isBinary]) => {
    const about = { name: isRare ? rare : name, datatype, shape }
    const binary = isBinary ? Buffer.from(bytes) : Buffer.alloc(0)
    const elements = isBinary
      ? { parameters: { binary_data_size: binary.length } }
      : { data: Array.from(bytes, (byte) => (datatype === 'BYTES' ? String(byte) : byte)) }
    return { input: { ...about, ...elements }, binary }
  })

const outputs = fc.constantFrom(
  undefined,
  [{ name: 'probabilities', parameters: { classification: 3 } }],
  [{ name: 'probabilities' }, { name: 'kept_count' }, { name: 'entropy' }],
  [
    { name: 'token_ids' },
    { name: 'logprobs', parameters: { binary_data: true } },
    { name: 'seed' },
  ],
)

/** Only values that a parameter may have. */
const parameters = fields.map((some) =>
  Object.fromEntries(Object.entries(some).filter(([, value]) => typeof value !== 'object')),
)

const request = fc
  .tuple(logits, fc.array(other, { maxLength: 2 }), outputs, parameters, fc.boolean(), changes)
  .map(([first, more, wanted, given, isBinary, all]) => {
    const tensors = [first, ...more]
    const document = {
      id: 'a',
      inputs: tensors.map(({ input }) => input),
      ...(wanted && { outputs: wanted }),
      parameters: { ...given, binary_data_output: isBinary },
    }
    const header = Buffer.from(writeChanged(document, all))
    return { header, body: Buffer.concat([header, ...tensors.map(({ binary }) => binary)]) }
  })

/** Wrong values for the length of the JSON. */
const lie = fc.oneof(
  { weight: 4, arbitrary: fc.constant((length: number): string | number => length) },
  fc.integer({ min: -20, max: 20 }).map((by) => (length: number) => Math.max(0, length + by)),
  fc
    .constantFrom('0', '-1', '1e9', '999999999999999', 'x', '', '1, 1', '00', '0x1')
    .map((text) => () => text),
)

it('requests with other parts, bytes and lengths', { timeout: TIMEOUT }, async () => {
  const property = fc.asyncProperty(
    inferPath,
    request,
    lie,
    rarely,
    cuts,
    async (path, { header, body }, say, mutate, at) => {
      const headers = { 'inference-header-content-length': say(header.length) }
      await expectAnswer(where, { path, headers, body: mutate(body) }, at)
    },
  )
  await check(property, 3)
})

it('requests of JSON only', { timeout: TIMEOUT }, async () => {
  const property = fc.asyncProperty(inferPath, request, cuts, async (path, { header }, at) => {
    await expectAnswer(where, { path, headers: {}, body: header }, at)
  })
  await check(property, 2)
})

it('bodies of one row without JSON, and compressed bodies', { timeout: TIMEOUT }, async () => {
  const encoding = fc.constantFrom({}, { 'content-encoding': 'gzip' })
  const answer = fc.constantFrom(
    {},
    { 'accept-encoding': 'gzip' },
    { 'accept-encoding': 'constructor' },
  )
  const property = fc.asyncProperty(
    inferPath,
    row,
    rarely,
    encoding,
    answer,
    cuts,
    async (path, one, mutate, about, wants, at) => {
      const given = mutate(pack(one, 'float32'))
      const body = 'content-encoding' in about ? gzipSync(given) : given
      const headers = { 'inference-header-content-length': 0, ...about, ...wants }
      await expectAnswer(where, { path, headers, body }, at)
    },
  )
  await check(property)
})
