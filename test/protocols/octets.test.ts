import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { reserved } from '../../src/kernel/arena.ts'
import { sampleOperation } from '../../src/request/operations.ts'
import { testApp } from '../app.ts'
import { readRows } from '../golden/read.ts'

const app = await testApp()

const row = readRows('stories260k').rows[3]!
const { length } = row
const tensor = Buffer.from(row.buffer, row.byteOffset, row.byteLength)

function send(url: string, headers: Record<string, string> = {}) {
  const type = { 'content-type': 'application/octet-stream' }
  return app.inject({ method: 'POST', url, payload: tensor, headers: { ...type, ...headers } })
}

async function sendJson(url: string, fields: object) {
  const payload = { logits: Array.from(row), ...fields }
  return (await app.inject({ method: 'POST', url, payload })).body
}

describe('a tensor body', () => {
  it.each([
    ['temperature=0.7&top_k=20&seed=5&n=4', { temperature: 0.7, top_k: 20, seed: 5, n: 4 }],
    ['seed=18446744073709551615&step=3', { seed: '18446744073709551615', step: 3 }],
    ['p_less=true&replacement=false&seed=1', { p_less: true, replacement: false, seed: 1 }],
    [
      'seed=1&logprob_token_ids=3,1,2&banned_token_ids=7&top_logprobs=2',
      { seed: 1, logprob_token_ids: [3, 1, 2], banned_token_ids: [7], top_logprobs: 2 },
    ],
    [
      'seed=1&order=top_k,temperature&top_k=5&temperature=2',
      { seed: 1, order: ['top_k', 'temperature'], top_k: 5, temperature: 2 },
    ],
    [
      'seed=1&repetition_penalty=1.3&output_token_ids=5,6&prompt_token_ids=',
      { seed: 1, repetition_penalty: 1.3, output_token_ids: [5, 6], prompt_token_ids: [] },
    ],
    ['seed=1&min_p=5e-2&profile=llama.cpp', { seed: 1, min_p: 0.05, profile: 'llama.cpp' }],
    [
      'seed=1&return_probabilities=kept&trace=true&top_p=0.5',
      { seed: 1, return_probabilities: 'kept', trace: true, top_p: 0.5 },
    ],
  ])('%s has the same answer as in JSON', async (query, fields) => {
    const answer = await send(`/v1/sample?${query}`)
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe(await sendJson('/v1/sample', fields))
  })

  it('is a row without a shape, and may be rows with one', async () => {
    const halves = [row.subarray(0, length / 2), row.subarray(length / 2)].map((half) => [...half])
    const together = await sendJson('/v1/sample', { logits: halves, seed: 1 })
    expect((await send(`/v1/sample?seed=1&shape=2,${length / 2}`)).body).toBe(together)
    expect((await send(`/v1/sample?seed=1&shape=${length}`)).body).toBe(
      (await send('/v1/sample?seed=1')).body,
    )
  })
})

describe('an answer that is a tensor', () => {
  it('has the probabilities of the answer in JSON', async () => {
    const url = `/v1/probabilities?shape=2,${length / 2}&top_k=9`
    const answer = await send(url, { accept: 'application/octet-stream' })
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(4 * length),
      'x-dtype': 'float32',
      'x-shape': `2,${length / 2}`,
    })
    const { results } = (await send(url)).json()
    const { buffer } = new Uint8Array(answer.rawPayload)
    expect(new Float32Array(buffer)).toEqual(
      Float32Array.from(
        results.flatMap(({ probabilities }: { probabilities: number[] }) => probabilities),
      ),
    )
  })

  it.each([
    ['*/*', 'json'],
    ['application/*', 'json'],
    ['text/html, application/octet-stream', 'octet-stream'],
    ['application/json;q=0.5, application/octet-stream', 'octet-stream'],
    ['application/octet-stream;q=0.1, application/json;q=0.2', 'json'],
    ['application/octet-stream;q=0, */*', 'json'],
  ])('is sent to a client that prefers it: %s', async (accept, type) => {
    const { statusCode, headers } = await send('/v1/probabilities', { accept })
    expect(statusCode).toBe(200)
    expect(headers['content-type']).toContain(`application/${type}`)
  })

  it.each([
    ['/v1/probabilities', 'text/html'],
    ['/v1/sample', 'application/octet-stream'],
  ])('%s refuses a client that accepts only %s', async (url, accept) => {
    const answer = await send(url, { accept })
    expect(answer.json()).toMatchObject({ status: 406, code: 'NOT_ACCEPTABLE' })
  })
})

describe('warnings of a tensor', () => {
  const tensorOf = (query: string) =>
    send(`/v1/probabilities?${query}`, { accept: 'application/octet-stream' })

  it('are in a header, as in a JSON answer', async () => {
    const query = `shape=2,${length / 2}&temperature=3&mirostat_tau=3`
    const { headers } = await tensorOf(query)
    const { warnings } = (await send(`/v1/probabilities?${query}`)).json()
    expect(warnings).toHaveLength(4)
    expect(JSON.parse(headers['x-warnings'] as string)).toEqual(warnings)
    expect(await tensorOf('temperature=0.5')).not.toHaveProperty('headers.x-warnings')
  })

  it('are ASCII and limited, and count those left out', async () => {
    const { headers } = await tensorOf(`shape=${length},1&temperature=3`)
    const text = headers['x-warnings'] as string
    expect(text).toMatch(/^[ -~]*$/)
    expect(text.length).toBeLessThan(4400)
    const warnings = JSON.parse(text)
    const last = warnings.at(-1)
    expect(last.code).toBe('WARNINGS_LEFT_OUT')
    expect(last.message).toBe(
      `${length - warnings.length + 1} more warnings; accept application/json for all`,
    )
  })

  it.each([
    ['top_logprobs=2&trace=true', ['OUTPUT_LEFT_OUT', 'OUTPUT_LEFT_OUT']],
    ['logprob_token_ids=1&watch_token_ids=1', ['OUTPUT_LEFT_OUT', 'OUTPUT_LEFT_OUT']],
    ['return_probabilities=kept', ['PARAMETER_WITHOUT_EFFECT']],
    ['encoding=base64', ['PARAMETER_WITHOUT_EFFECT']],
  ])('name reports and options that a tensor does not have: %s', async (query, codes) => {
    const { headers } = await tensorOf(query)
    const warnings = JSON.parse(headers['x-warnings'] as string)
    expect(warnings.map(({ code }: { code: string }) => code)).toEqual(codes)
  })
})

it('failed requests free their memory', async () => {
  const before = reserved()
  for (const query of [
    'shape=7',
    'temperature=-1',
    'top_k=1&banned_token_ids=99999',
    'dtype=float64&shape=5',
  ]) {
    expect((await send(`/v1/sample?${query}`)).statusCode).toBeGreaterThanOrEqual(400)
  }
  expect((await send('/v1/sample')).statusCode).toBe(200)
  expect(reserved()).toBe(before)
})

it('the document lists every field that a query can have', () => {
  const { properties } = z.toJSONSchema(sampleOperation.Fields, { io: 'input' })
  const { paths } = app.swagger() as unknown as {
    paths: Record<string, { post: { parameters: { name: string; in: string }[] } }>
  }
  const query = paths['/v1/sample']!.post.parameters.map(({ name }) => name)
  const missing = Object.keys(properties!).filter((name) => !query.includes(name))
  expect(missing.sort()).toEqual([
    'bad_words_ids',
    'dry_sequence_breakers',
    'logit_bias',
    'sequence_bias',
    'unconditional_logits',
  ])
  expect(query).toEqual(expect.arrayContaining(['dtype', 'shape', 'temperature', 'seed']))
})
