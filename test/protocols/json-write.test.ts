import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LongList, PART, writeJson } from '../../src/protocols/json/write.ts'
import { finish } from '../../src/protocols/steps.ts'
import { testApp } from '../app.ts'

const write = (value: unknown) => finish(writeJson(value)).parts.join('')

/** The items of a long list. */
const plainOf = (value: unknown): unknown => {
  if (value instanceof LongList) {
    return value.lists.flatMap((list) => Array.from(list as ArrayLike<unknown>, toPlain))
  }
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, plainOf(of)]))
}
const toPlain = (item: unknown) => (typeof item === 'bigint' ? Number(item) : item)

const awkward = fc.constantFrom('\u0000', '"\u0000"', '\\u0000', '[]', '{"a":[', '"', '\u2028', '')
const list = fc.oneof(
  fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })).map((of) => Float64Array.from(of)),
  fc.array(fc.nat(2 ** 31)).map((ids) => Uint32Array.from(ids)),
  fc.array(fc.nat(2 ** 31)).map((ids) => BigInt64Array.from(ids, BigInt)),
  fc.array(awkward),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    awkward,
    fc.double({ noNaN: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(list).map((lists) => new LongList(lists)),
    fc.array(tie('value')),
    fc.dictionary(awkward, tie('value')),
  ),
}))

describe('a value that is written in parts', () => {
  it('equals what JSON.stringify writes', () => {
    fc.assert(
      fc.property(value, (given) => {
        expect(write(given)).toBe(JSON.stringify(plainOf(given)))
      }),
      { numRuns: 500 },
    )
  })

  it('omits undefined, and has lists of any length', () => {
    const long = Float64Array.from({ length: 3 * PART + 1 }, (_, i) => i / 7)
    const given = {
      a: undefined,
      b: new LongList([long, Float64Array.of(1)]),
      c: [undefined],
      d: Array.from(long),
    }
    const plain = { b: [...long, 1], c: [null], d: [...long] }
    expect(write(given)).toBe(JSON.stringify(plain))
  })
})

describe('an answer', () => {
  it.each([
    '\u0000',
    '"\u0000"',
    '\\u0000',
    '{"data":"\u0000"}',
    '\u2028',
    '🙂"',
    'a'.repeat(5000),
  ])('comes back whole with the id %j', async (id) => {
    const app = await testApp()
    const inputs = [{ name: 'logits', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }]
    const outputs = ['token_ids', 'probabilities'].map((name) => ({ name }))
    const payload = { id, inputs, outputs }
    const url = '/v2/models/sample/infer'
    const answer = (await app.inject({ method: 'POST', url, payload })).json()
    expect(answer.id).toBe(id)
    expect(answer.outputs.map(({ data }: { data: number[] }) => data.length)).toEqual([1, 3])
  })

  it('has long lists between short ones, each in its place', async () => {
    const app = await testApp()
    const logits = Array.from({ length: 2 * PART + 5 }, (_, id) => (id * 37) % 11)
    const payload = { logits, seed: 1, top_logprobs: 2, return_probabilities: 'kept' }
    const { body } = await app.inject({ method: 'POST', url: '/v1/sample', payload })
    const answer = JSON.parse(body)
    expect(JSON.stringify(answer)).toBe(body)
    const [{ kept, top }] = answer.results
    expect(kept.token_ids).toEqual(logits.map((_, id) => id))
    expect(kept.probabilities).toHaveLength(logits.length)
    expect(top.token_ids).toHaveLength(2)
  })
})
