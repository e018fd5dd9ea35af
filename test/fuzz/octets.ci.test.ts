import fc from 'fast-check'
import { it } from 'vitest'
import { cuts, rarely } from './mutations.ts'
import { expectAnswer } from './post.ts'
import { dtype, fields, number, OCTETS, pack, row, samplingPath } from './requests.ts'
import { check, TIMEOUT } from './runs.ts'
import { fuzzTarget } from './target.ts'

/** Tensor bodies and their queries. */

const { where } = await fuzzTarget()

/** Shapes that fit, that almost fit, and that no body fits. */
const shape = fc.oneof(
  fc.constant(undefined),
  row.map(({ length }) => String(length)),
  fc.tuple(fc.nat(9), fc.nat(9)).map(String),
  fc.constantFrom(
    '',
    ',',
    '0',
    '0,0',
    '-1',
    '1.5',
    '1e3',
    '1,1,1',
    '4294967296',
    'NaN',
    '1,',
    '%201',
  ),
  fc.constantFrom(
    '9007199254740991,9007199254740991',
    '65536,65536',
    '1048576',
    `${'1,'.repeat(500)}1`,
  ),
)

/** Any text that a URL can contain. */
const texts = fc.oneof(
  fc.constantFrom(
    '',
    '%',
    '%zz',
    '%00',
    '%ff',
    '%ed%a0%80',
    '1e999',
    '-1',
    'NaN',
    'true',
    '1,2',
    ',',
  ),
  fc.constantFrom(
    '+',
    '[]',
    '[0]',
    '__proto__',
    '%5B%5D',
    '\xff',
    '9'.repeat(400),
    ','.repeat(3000),
  ),
  fc.string({ maxLength: 8 }).map(encodeURIComponent),
)
const names = fc.oneof(
  fc.constantFrom(
    'temperature',
    'top_p',
    'seed',
    'n',
    'order',
    'profile',
    'token_bitmask',
    'trace',
  ),
  fc.constantFrom('logits', 'rows', 'state', 'prompt_token_ids', 'logit_bias', 'banned_token_ids'),
  fc.constantFrom('__proto__', 'constructor', '', 'a[b]', 'dtype', 'shape', 'a.b', 'toString', '%'),
)
const others = fc
  .array(fc.tuple(names, fc.constantFrom('=', '=', '=', ''), texts), { maxLength: 3 })
  .map((all) => all.map((parts) => `&${parts.join('')}`).join(''))

const asQuery = (settings: object) =>
  Object.entries(settings)
    .map(([name, value]) => `&${name}=${encodeURIComponent(String(value))}`)
    .join('')

const path = fc
  .tuple(samplingPath, dtype, shape, fields, others)
  .map(([url, type, given, some, strange]) => {
    const about = given === undefined ? '' : `&shape=${given}`
    return `${url}?dtype=${type}${about}${asQuery(some)}${strange}`
  })

const accept = fc.constantFrom({}, { accept: 'application/octet-stream' }, { accept: 'text/html' })

it('tensors of any type, shape and bytes', { timeout: TIMEOUT }, async () => {
  const body = fc.oneof(
    fc.tuple(row, dtype).map(([one, type]) => pack(one, type)),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(number, fc.constantFrom(4096, 65_536))
      .map(([one, count]) => pack(new Array<number>(count).fill(one), 'float32')),
  )
  const property = fc.asyncProperty(
    path,
    accept,
    body,
    rarely,
    cuts,
    async (url, wants, given, mutate, at) => {
      await expectAnswer(
        where,
        { path: url, headers: { ...OCTETS, ...wants }, body: mutate(given) },
        at,
      )
    },
  )
  await check(property, 2)
})

it('valid tensors', { timeout: TIMEOUT }, async () => {
  const some = fields.filter((given) => !('logit_bias' in given))
  const property = fc.asyncProperty(
    samplingPath,
    row,
    dtype,
    some,
    accept,
    async (url, one, type, given, wants) => {
      const request = {
        path: `${url}?dtype=${type}&shape=1,${one.length}${asQuery(given)}`,
        headers: { ...OCTETS, ...wants },
        body: pack(one, type),
      }
      await expectAnswer(where, request)
    },
  )
  await check(property)
})
