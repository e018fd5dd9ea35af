import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { describeConfig, loadConfig } from '../src/config.ts'
import { expected } from '../src/expected.ts'
import { sampleOperation } from '../src/request/operations.ts'
import { testApp } from './app.ts'

/** zod's issue about a value that does not fit. */
const ZOD =
  /Too (small|big)|Invalid |Unrecognized|received|[<>]=?\d|to be |to have |safeint|\bexpected /

describe('the text of an expectation', () => {
  it.each([
    ['a number', z.number(), 'x'],
    ['an integer', z.int(), 1.5],
    ['a string', z.string(), 1],
    ['true or false', z.boolean(), 1],
    ['an array', z.array(z.number()), {}],
    ['an object', z.object({}), []],
    ['an object', z.record(z.string(), z.number()), 1],
    ['a value of another type', z.map(z.string(), z.number()), 1],
    ['at most 1', z.number().max(1), 2],
    ['at least 0', z.number().min(0), -1],
    ['more than 0', z.number().gt(0), 0],
    ['less than 1', z.number().lt(1), 1],
    ['at least 1 character', z.string().min(1), ''],
    ['at most 3 characters', z.string().max(3), 'long'],
    ['exactly 2 items', z.array(z.number()).length(2), [1]],
    ['a multiple of 2', z.number().multipleOf(2), 3],
    ['"x"', z.literal('x'), 'y'],
    ['one of "x", "y"', z.enum(['x', 'y']), 'z'],
    ['one of 0, 1', z.literal([0, 1]), 2],
    ['text that matches /a/', z.string().regex(/a/), 'b'],
    ['text in the form url', z.url(), 'b'],
    ['a string or a number', z.union([z.string(), z.number()]), true],
    ['no other fields', z.strictObject({}), { a: 1 }],
    ['keys of another form', z.record(z.string().min(2), z.number()), { a: 1 }],
    ['a value of another form', z.map(z.object({}), z.number()), new Map([[{}, 'x']])],
  ])('%s', (words, schema, value) => {
    const { issues } = schema.safeParse(value, { error: expected }).error!
    expect(issues.map(({ message }) => message)).toEqual([`Expected ${words}`])
  })
})

const bad: unknown[] = [
  ...[true, 'x', 1.5, -1e9, 1e300, ['x'], [[-1]], [{}]],
  ...[{ x: 1 }, { '-1': 'x' }, { start: -1, factor: 'x' }, { token_ids: 'x' }],
]

const app = await testApp()
const texts = new Set<string>()

async function post(url: string, payload: object): Promise<void> {
  const { body, statusCode } = await app.inject({ method: 'POST', url, payload })
  expect(statusCode, JSON.stringify(payload)).toBeLessThan(500)
  if (statusCode >= 400) {
    const { detail, errors = [], error } = JSON.parse(body)
    for (const text of [detail, error, ...errors.map((one: { detail: string }) => one.detail)]) {
      if (text !== undefined) texts.add(text)
    }
  }
}

const fields = Object.keys(sampleOperation.Fields.shape)
const logits = [2, 1, 0.5, -1, -3]
const input = { name: 'logits', datatype: 'FP32', shape: [1, 5], data: logits }

describe('no phrase of zod reaches a client', () => {
  it('that sends bad values to /v1/sample', async () => {
    texts.clear()
    for (const field of ['logits', 'rows', ...fields]) {
      for (const value of bad) {
        await post('/v1/sample', { logits, [field]: value })
        await post('/v1/sample', { logits: [logits], rows: [{ [field]: value }] })
      }
      await post(`/v1/sample?${field}=x`, { logits })
    }
    for (const value of bad) await post('/v1/sample', value as object)
    expect(texts.size).toBeGreaterThan(200)
    expect([...texts].filter((text) => ZOD.test(text))).toEqual([])
  })

  it('that sends bad values to the model sample', async () => {
    texts.clear()
    const url = '/v2/models/sample/infer'
    for (const field of fields) {
      for (const value of bad) {
        await post(url, { inputs: [input], parameters: { [field]: value } })
      }
    }
    for (const field of ['id', 'inputs', 'outputs', 'parameters']) {
      for (const value of bad) await post(url, { inputs: [input], [field]: value })
    }
    for (const field of Object.keys(input)) {
      for (const value of bad) await post(url, { inputs: [{ ...input, [field]: value }] })
    }
    for (const value of bad) {
      await post(url, { inputs: [input], outputs: [{ name: 'token_ids', parameters: value }] })
      await post(url, { inputs: [input], outputs: [{ name: value }] })
    }
    expect(texts.size).toBeGreaterThan(90)
    expect([...texts].filter((text) => ZOD.test(text))).toEqual([])
  })

  it('in the faults of variables', () => {
    const messages = describeConfig().flatMap(({ name }) =>
      ['x', '-1', '1.5', '99999999999999', '1e3', '*', ','].flatMap((value) => {
        try {
          loadConfig({ [name]: value })
          return []
        } catch (error) {
          return (error as Error).message
        }
      }),
    )
    expect(messages.length).toBeGreaterThan(50)
    expect(messages.filter((text) => ZOD.test(text))).toEqual([])
  })
})
