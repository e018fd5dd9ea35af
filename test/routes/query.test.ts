import { describe, expect, it } from 'vitest'
import { ProblemDocument } from '../../src/protocols/problem.ts'
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

describe.each(['/v1/sample', '/v1/probabilities'])('a query with a JSON body: %s', (path) => {
  it.each([
    ['temperature=0', {}, { temperature: 0 }],
    ['temperature=0.5&top_k=3', { top_p: 0.9 }, { temperature: 0.5, top_k: 3, top_p: 0.9 }],
    ['temperature=0&top_k=1', { temperature: 2 }, { temperature: 2, top_k: 1 }],
    ['logprob_token_ids=1,3', {}, { logprob_token_ids: [1, 3] }],
  ])('%s with %j has the same answer as a body with all fields', async (query, given, all) => {
    const answer = await post(`${path}?${query}`, { logits, seed: 1, ...given })
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe((await post(path, { logits, seed: 1, ...all })).body)
  })

  it.each([
    ['foo=1', '/foo', /Unknown field "foo"/],
    ['temperature=-1', '/temperature', /at least 0, got -1/],
    ['temperature=cold', '/temperature', /number, got "cold"/],
    ['dtype=float16', '/dtype', /describes a body of application/],
    ['shape=5', '/shape', /describes a body of application/],
    ['__proto__=1', '/__proto__', /Unknown field/],
  ])('%s is refused by name', async (query, pointer, words) => {
    const fault = await faultOf(`${path}?${query}`)
    expect(fault).toMatchObject({ status: 400, code: 'INVALID_REQUEST', pointer })
    expect(fault.detail).toMatch(words)
  })

  it('does not hide the faults of the body', async () => {
    expect(await faultOf(`${path}?top_k=1`, [1])).toMatchObject({ pointer: '' })
    expect(await faultOf(`${path}?top_k=1`, {})).toMatchObject({ pointer: '/logits' })
  })
})

it('an answer names at most ten faults of a query', async () => {
  const query = Array.from({ length: 300 }, (_, i) => `x${i}=1`).join('&')
  const { errors, errors_truncated } = (await post(`/v1/sample?${query}`, { logits })).json()
  expect([errors.length, errors_truncated]).toEqual([10, true])
})

const tensor = Buffer.from(Float32Array.from(logits).buffer)

const octets = (query: string) =>
  app.inject({
    method: 'POST',
    url: `/v1/sample?${query}`,
    payload: Buffer.concat([tensor]),
    headers: { 'content-type': 'application/octet-stream' },
  })

describe('a query of a tensor body', () => {
  it.each([
    ['shape=1&shape=5', {}],
    ['logprob_token_ids=1&logprob_token_ids=2,3', { logprob_token_ids: [1, 2, 3] }],
    ['order=top_k&order=temperature&top_k=2', { order: ['top_k', 'temperature'], top_k: 2 }],
    ['logprob_token_ids=1,%202', { logprob_token_ids: [1, 2] }],
    ['trace=True', { trace: true }],
    ['trace=TRUE&replacement=False', { trace: true, replacement: false }],
    ['trace=1&replacement=0', { trace: true, replacement: false }],
    ['temperature=.5', { temperature: 0.5 }],
    ['temperature=1.', { temperature: 1 }],
    ['temperature=5e-01', { temperature: 0.5 }],
    ['temperature=5E-1', { temperature: 0.5 }],
    ['temperature=%2B.5', { temperature: 0.5 }],
    ['temperature=+0.5', { temperature: 0.5 }],
    ['temperature=1e+00', { temperature: 1 }],
    ['top_k=2.0', { top_k: 2 }],
    ['seed=100000', { seed: 100_000 }],
    ['seed=1e%2B05', { seed: 100_000 }],
    ['seed=7.0&step=3.', { seed: 7, step: 3 }],
    ['seed=18446744073709551615', { seed: '18446744073709551615' }],
    ['mirostat=2&state={"mirostat_mu":1.5}', { mirostat: 2, state: { mirostat_mu: 1.5 } }],
    ['state=null', {}],
    [
      'exponential_decay_length_penalty={"start":0,"factor":2}&stop_token_ids=1&output_token_ids=1',
      {
        exponential_decay_length_penalty: { start: 0, factor: 2 },
        stop_token_ids: [1],
        output_token_ids: [1],
      },
    ],
  ])('%s may be written as Python, Go, R and shells print it', async (query, fields) => {
    const seed = query.includes('seed') ? '' : '&seed=1'
    const answer = await octets(query + seed)
    expect(answer.json()).toEqual((await post('/v1/sample', { logits, seed: 1, ...fields })).json())
    expect(answer.statusCode).toBe(200)
  })

  it('has a mask in base64, whose plus becomes a space', async () => {
    const words = Int32Array.of(0b1000_0000_1111_1011)
    const token_bitmask = Buffer.from(words.buffer).toString('base64')
    expect(token_bitmask).toContain('+')
    const answer = await octets(`seed=1&token_bitmask=${token_bitmask}`)
    expect(answer.json()).toEqual(
      (await post('/v1/sample', { logits, seed: 1, token_bitmask })).json(),
    )
  })

  it.each([
    [
      'logit_bias={"1":2}',
      '/logit_bias',
      /logit_bias cannot be in a query; send it in a JSON body/,
    ],
    ['bad_words_ids=1', '/bad_words_ids', /send it in a JSON body/],
    ['sequence_bias=1', '/sequence_bias', /send it in a JSON body/],
    ['dry_sequence_breakers=1', '/dry_sequence_breakers', /send it in a JSON body/],
    ['unconditional_logits=1,2', '/unconditional_logits', /send it in a JSON body/],
    ['logits=1,2', '/logits', /send it in a JSON body/],
    ['rows=1', '/rows', /send it in a JSON body/],
    ['state=1', '/state', /object as JSON text, got "1"; or send it in a JSON body/],
    ['state={', '/state', /object as JSON text/],
    ['state={}&state={}', '/state', /Expected one value, got 2/],
    ['state={"mu":1}', '/state/mu', /Unknown field "mu"/],
    [
      'temperature=1&temperature=2',
      '/temperature',
      /one value, got 2; a query has one value for all rows/,
    ],
    ['temperature=.5,1', '/temperature', /one value, got 2; a query has one value for all rows/],
    ['seed=1,2', '/seed', /one value, got 2/],
    ['profile=vllm&profile=vllm', '/profile', /one value, got 2/],
    ['temperature=', '/temperature', /number, got ""/],
    ['temperature=1e', '/temperature', /number, got "1e"/],
    ['temperature=.', '/temperature', /number, got "."/],
    ['temperature=0x1', '/temperature', /number, got "0x1"/],
    ['temperature=nan', '/temperature', /number, got "nan"/],
    ['temperature=inf', '/temperature', /number, got "inf"/],
    ['trace=yes', '/trace', /true or false, got "yes"/],
    ['trace=constructor', '/trace', /true or false, got "constructor"/],
    ['top_k=2.5', '/top_k', /an integer, got 2.5/],
    ['seed=1.5', '/seed', /integer from 0 .*got 1.5/],
  ])('%s is refused', async (query, pointer, words) => {
    for (const response of [await octets(query), await post(`/v1/sample?${query}`, { logits })]) {
      const { code, detail, errors } = ProblemDocument.parse(response.json())
      expect({ code, pointer: errors[0]!.pointer }).toEqual({ code: 'INVALID_REQUEST', pointer })
      expect(detail).toMatch(words)
    }
  })
})

describe('a query of /v2', () => {
  const url = '/v2/models/sample/infer'
  const inputs = [{ name: 'logits', datatype: 'FP32', shape: [1, 5], data: logits }]
  const infer = async (query: string, parameters: object, more: object[] = []) =>
    (await post(`${url}?${query}`, { parameters, inputs: [...inputs, ...more] })).json()

  it('has fields, which parameters and inputs override', async () => {
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
