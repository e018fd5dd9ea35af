import { describe, expect, it } from 'vitest'
import { ProblemDocument } from '../../src/plugins/problems.ts'
import { testApp } from '../app.ts'

const app = await testApp()

const logits = [2, 1, 0.5, -1, -3]

const post = (url: string, payload: string | object) =>
  app.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } })

async function faultOf(url: string, payload: object = { logits }) {
  const response = await post(url, payload)
  const { code, detail, errors } = ProblemDocument.parse(response.json())
  return { status: response.statusCode, code, detail, pointer: errors[0]!.pointer }
}

describe.each(['/v1/sample', '/v1/probabilities'])('a query beside JSON: %s', (path) => {
  it.each([
    ['temperature=0', {}, { temperature: 0 }],
    ['temperature=0.5&top_k=3', { top_p: 0.9 }, { temperature: 0.5, top_k: 3, top_p: 0.9 }],
    ['temperature=0&top_k=1', { temperature: 2 }, { temperature: 2, top_k: 1 }],
    ['logprob_token_ids=1,3', {}, { logprob_token_ids: [1, 3] }],
  ])('%s with %j is as if the body had all', async (query, given, all) => {
    const answer = await post(`${path}?${query}`, { logits, seed: 1, ...given })
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe((await post(path, { logits, seed: 1, ...all })).body)
  })

  it.each([
    ['foo=1', '/foo', /Unknown field "foo"/],
    ['temperature=-1', '/temperature', />=0, got -1/],
    ['temperature=cold', '/temperature', /number, got "cold"/],
    ['dtype=float16', '/dtype', /describes a body of bytes/],
    ['shape=5', '/shape', /describes a body of bytes/],
    ['__proto__=1', '/__proto__', /Unknown field/],
  ])('%s is refused by name', async (query, pointer, words) => {
    const fault = await faultOf(`${path}?${query}`)
    expect(fault).toMatchObject({ status: 400, code: 'INVALID_REQUEST', pointer })
    expect(fault.detail).toMatch(words)
  })

  it('says what is wrong with the body, whatever the query has', async () => {
    expect(await faultOf(`${path}?top_k=1`, [1])).toMatchObject({ pointer: '' })
    expect(await faultOf(`${path}?top_k=1`, {})).toMatchObject({ pointer: '/logits' })
  })
})

it('an answer names a bounded number of faults of a query', async () => {
  const query = Array.from({ length: 300 }, (_, i) => `x${i}=1`).join('&')
  const { errors, errors_truncated } = (await post(`/v1/sample?${query}`, { logits })).json()
  expect([errors.length, errors_truncated]).toEqual([10, true])
})

describe('a query of /v2', () => {
  const url = '/v2/models/sample/infer'
  const inputs = [{ name: 'logits', datatype: 'FP32', shape: [1, 5], data: logits }]
  const infer = async (query: string, parameters: object, more: object[] = []) =>
    (await post(`${url}?${query}`, { parameters, inputs: [...inputs, ...more] })).json()

  it('has fields, of which parameters and inputs win', async () => {
    const cold = await infer('', { temperature: 0, seed: 1 })
    expect(await infer('temperature=0&seed=1', {})).toEqual(cold)
    expect(await infer('temperature=9&seed=1', { temperature: 0 })).toEqual(cold)
    const input = { name: 'temperature', datatype: 'FP32', shape: [1], data: [0] }
    expect(await infer('temperature=9&seed=1', {}, [input])).toEqual(cold)
  })

  it.each([
    ['foo=1', /foo/],
    ['dtype=float32', /dtype/],
    ['temperature=cold', /temperature/],
    ['timeout=1', /timeout/],
  ])('is refused by name: %s', async (query, words) => {
    const response = await post(`${url}?${query}`, { inputs })
    expect(response.statusCode).toBe(400)
    expect(response.json().error).toMatch(words)
  })
})
