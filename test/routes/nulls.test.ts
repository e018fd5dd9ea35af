import { describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { probabilitiesOperation, sampleOperation } from '../../src/request/operations.ts'
import { testApp } from '../app.ts'

const app = await testApp()
const logits = [2, 1, 0.5, -1, -3]
const sparse = { vocab_size: 5, token_ids: [0, 1], values: [2, 1] }

const post = async (url: string, payload: object) => {
  const { statusCode, body } = await app.inject({ method: 'POST', url, payload })
  return { status: statusCode, body }
}

/** Every field except logits as null, as generated clients send it. */
const nullsOf = ({ Fields }: { Fields: z.ZodObject }) =>
  Object.fromEntries(Object.keys(Fields.shape).map((name) => [name, null]))

describe.each([
  ['/v1/sample', sampleOperation],
  ['/v1/probabilities', probabilitiesOperation],
])('null counts as omitted: %s', (path, operation) => {
  const nulls = nullsOf(operation)

  it('for every field, of a request and of a row', async () => {
    const plain = await post(path, { logits, seed: 1 })
    expect(plain.status).toBe(200)
    expect(await post(path, { ...nulls, logits, rows: null, seed: 1 })).toEqual(plain)
    const rows = [{ ...nulls, top_k: 2 }]
    const own = await post(path, { logits, temperature: 0.5, rows: [{ top_k: 2 }], seed: 1 })
    expect(await post(path, { ...nulls, logits, temperature: 0.5, rows, seed: 1 })).toEqual(own)
  })

  it('in long requests, which are read as they arrive', async () => {
    const long = Array.from({ length: 5000 }, (_, id) => id % 7)
    const plain = await post(path, { logits: long, seed: 1 })
    expect(plain.status).toBe(200)
    expect(await post(path, { ...nulls, logits: long, seed: 1 })).toEqual(plain)
  })

  it('within a field', async () => {
    const state = { mirostat_mu: null, adaptive_weighted_sum: null, adaptive_total_weight: null }
    const plain = await post(path, { logits, mirostat: 2, seed: 1 })
    expect(await post(path, { logits, mirostat: 2, seed: 1, state })).toEqual(plain)
    expect(await post(path, { logits: { ...sparse, log_z: null }, seed: 1 })).toEqual(
      await post(path, { logits: sparse, seed: 1 }),
    )
  })

  it('and the query still sets the field', async () => {
    expect(await post(`${path}?temperature=0`, { logits, temperature: null, seed: 1 })).toEqual(
      await post(path, { logits, temperature: 0, seed: 1 }),
    )
  })

  it.each([
    [{ logits: null }, '/logits'],
    [{ logits: [1, null] }, '/logits/1'],
    [{ logits: { ...sparse, values: null } }, '/logits/values'],
    [{ logits, foo: null }, '/foo'],
    [{ logits, state: { mu: null } }, '/state/mu'],
    [{ logits, rows: [null] }, '/rows/0'],
    [{ logits, exponential_decay_length_penalty: { start: 1, factor: null } }, '/exponential'],
    [{ logits, logit_bias: { 1: null } }, '/logit_bias/1'],
    [{ logits, banned_token_ids: [null] }, '/banned_token_ids/0'],
  ])('but not for a required field: %j', async (request, pointer) => {
    const { status, body } = await post(path, request)
    expect(status).toBe(400)
    expect(JSON.parse(body).errors[0].pointer).toContain(pointer)
  })
})

describe('null in /v2', () => {
  const url = '/v2/models/sample/infer'
  const input = { name: 'logits', datatype: 'FP32', shape: [1, 5], data: logits }

  it('counts as omitted everywhere', async () => {
    const plain = await post(url, { inputs: [input], parameters: { seed: 1 } })
    expect(plain.status).toBe(200)
    const parameters = { ...nullsOf(sampleOperation), seed: 1, binary_data_output: null }
    const more = { name: 'top_p', datatype: 'FP32', shape: [1], data: [1], parameters: null }
    const inputs = [{ ...input, parameters: { binary_data_size: null } }, more]
    const outputs = [
      { name: 'token_ids', parameters: null },
      { name: 'logprobs', parameters: { binary_data: null, classification: null } },
    ]
    expect(await post(url, { id: null, parameters, inputs, outputs: null })).toEqual(plain)
    expect(await post(url, { inputs, parameters, outputs })).toEqual(plain)
    expect((await post(url, { inputs: [input], parameters: null })).status).toBe(200)
  })

  it.each([
    [{ inputs: null }, /inputs/],
    [{ inputs: [{ ...input, shape: null }] }, /shape/],
    [{ inputs: [{ ...input, data: null }] }, /logits/],
    [{ inputs: [input], parameters: { foo: null } }, /foo/],
    [{ inputs: [input], parameters: { temperature: [1] } }, /temperature.*text, number or boolean/],
  ])('but not for a required field: %j', async (request, words) => {
    const { status, body } = await post(url, request)
    expect(status).toBe(400)
    expect(JSON.parse(body).error).toMatch(words)
  })
})
