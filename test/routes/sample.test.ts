import { describe, expect, it } from 'vitest'
import { testApp } from '../app.ts'
import { readRows } from '../golden/read.ts'

const app = await testApp()

async function post(url: string, payload: object) {
  const response = await app.inject({ method: 'POST', url, payload })
  return { status: response.statusCode, ...response.json(), bytes: response.body }
}

const logits = [2, 1, 0.5, -1, -3]
const base64 = (values: ArrayBufferView) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')

describe('POST /v1/sample', () => {
  it('answers with the documented fields of a result, and no others', async () => {
    const { results, warnings, status } = await post('/v1/sample', { logits, seed: 42 })
    expect(status).toBe(200)
    expect(Object.keys(results[0])).toEqual([
      'token_ids',
      'logprobs',
      'probabilities',
      'kept_count',
      'entropy',
      'seed',
      'stream',
      'step',
    ])
    expect(results[0]).toMatchObject({ seed: '42', stream: '0', step: 0, kept_count: 5 })
    expect(warnings).toEqual([])
  })

  it('replays an answer from its seed, stream and step, byte for byte', async () => {
    const batch = { logits: [logits, logits], n: 20, top_p: 0.9 }
    const first = await post('/v1/sample', batch)
    const addresses = first.results.map(({ seed, stream, step }: Record<string, string>) => ({
      seed,
      stream,
      step,
    }))
    expect(addresses[0].seed).toBe(addresses[1].seed)
    expect(addresses.map(({ stream }: { stream: string }) => stream)).toEqual(['0', '1'])
    const again = await post('/v1/sample', { ...batch, rows: addresses })
    expect(again.bytes).toBe(first.bytes)
  })

  it('draws a new seed for each request that has none, and one for the whole batch', async () => {
    const seeds = await Promise.all([1, 2, 3].map(() => post('/v1/sample', { logits })))
    expect(new Set(seeds.map(({ results }) => results[0].seed)).size).toBe(3)
    const mixed = await post('/v1/sample', {
      logits: [logits, logits, logits],
      rows: [{ seed: 5 }, {}, {}],
    })
    const [own, second, third] = mixed.results.map(({ seed }: { seed: string }) => seed)
    expect(own).toBe('5')
    expect(second).toBe(third)
    expect(second).not.toBe('5')
  })

  it.each(['0', '18446744073709551615'])('takes the seed %s as text', async (seed) => {
    const { results } = await post('/v1/sample', { logits, seed, stream: seed, step: 7 })
    expect(results[0]).toMatchObject({ seed, stream: seed, step: 7 })
  })

  it('gives a row the same answer alone and in any batch', async () => {
    const { rows } = readRows('stories260k')
    const batch = rows.slice(0, 8).map((row) => Array.from(row))
    const settings = { temperature: 0.8, top_p: 0.9, seed: 1, n: 5, return_probabilities: 'all' }
    const together = await post('/v1/sample', { logits: batch, ...settings })
    for (const [stream, row] of batch.entries()) {
      const alone = await post('/v1/sample', { logits: row, ...settings, stream })
      expect(alone.results[0]).toEqual(together.results[stream])
    }
  })

  it('gives a row with its own seed the same answer as alone', async () => {
    const row = [2, 1.5, 1, 0.5, 0, -0.5]
    const ask = { n: 8, return_probabilities: 'none' }
    const alone = await post('/v1/sample', { logits: row, ...ask, seed: 42 })
    expect(alone.results[0].token_ids).toEqual([3, 0, 3, 0, 0, 1, 0, 0])
    const batch = { logits: [row, row, row, row], ...ask, seed: 5 }
    const { results } = await post('/v1/sample', {
      ...batch,
      rows: [{ seed: 7 }, { seed: '42' }, {}, { seed: 42, stream: 3 }],
    })
    expect(results[1]).toEqual(alone.results[0])
    expect(results.map(({ stream }: { stream: string }) => stream)).toEqual(['0', '0', '2', '3'])
    const shared = await post('/v1/sample', {
      ...batch,
      stream: 6,
      rows: [{ seed: 42 }, {}, {}, {}],
    })
    expect(shared.results.map(({ stream }: { stream: string }) => stream)).toEqual([
      '6',
      '6',
      '6',
      '6',
    ])
  })

  it('warns that kept probabilities are not written as base64', async () => {
    const ask = { logits, seed: 1, encoding: 'base64' }
    const { warnings } = await post('/v1/sample', { ...ask, return_probabilities: 'kept' })
    expect(warnings).toMatchObject([{ code: 'PARAMETER_WITHOUT_EFFECT', row: 0 }])
    expect((await post('/v1/sample', { ...ask, return_probabilities: 'all' })).warnings).toEqual([])
  })

  it('lets a row override every field', async () => {
    const { results, warnings } = await post('/v1/sample', {
      logits: [logits, logits, logits],
      temperature: 0,
      n: 2,
      seed: 3,
      rows: [
        {},
        { temperature: 2.5, n: 4, return_probabilities: 'kept', top_logprobs: 1 },
        { top_k: 2, profile: 'llama.cpp', temperature: 1, banned_token_ids: [0], stream: 9 },
      ],
    })
    expect(results.map((r: { kept_count: number }) => r.kept_count)).toEqual([1, 5, 2])
    expect(results.map((r: { token_ids: number[] }) => r.token_ids.length)).toEqual([2, 4, 2])
    expect(results[1].kept.token_ids).toEqual([0, 1, 2, 3, 4])
    expect(results[1].top.token_ids).toEqual([0])
    expect(results[2].probabilities[0]).toBe(0)
    expect(results[2].stream).toBe('9')
    expect(warnings).toEqual([{ code: 'HIGH_TEMPERATURE', message: expect.any(String), row: 1 }])
  })

  it('has 0 for removed tokens and null for their logprobs, never NaN', async () => {
    const { results } = await post('/v1/sample', {
      logits: [1, '-Infinity', 3, -3e38],
      top_k: 1,
      top_logprobs: 4,
      logprob_token_ids: [0, 1, 2],
    })
    expect(results[0].probabilities).toEqual([0, 0, 1, 0])
    expect(results[0].scored).toEqual({
      token_ids: [0, 1, 2],
      logprobs: [null, null, 0],
      ranks: [null, null, 1],
    })
  })

  it.each([
    ['float32', new Float32Array(logits)],
    ['float64', new Float64Array(logits)],
    ['float16', new Float16Array(logits)],
    // bfloat16: the upper halves of float32.
    [
      'bfloat16',
      new Uint16Array(new Uint32Array(new Float32Array(logits).buffer).map((w) => w >>> 16)),
    ],
  ])('takes a %s tensor, with the answer of the same numbers in JSON', async (dtype, values) => {
    const settings = { temperature: 0.8, seed: 42, n: 10 }
    const asJson = await post('/v1/sample', { logits, ...settings })
    for (const shape of [[5], [1, 5]]) {
      const tensor = { dtype, shape, data: base64(values) }
      const asTensor = await post('/v1/sample', { logits: tensor, ...settings })
      expect(asTensor.bytes).toBe(asJson.bytes)
    }
  })

  it('has no probabilities of a large vocabulary by default', async () => {
    const large = Array.from(readRows('synth_32000').rows[0]!)
    const { results } = await post('/v1/sample', { logits: large, seed: 1 })
    expect(results[0]).not.toHaveProperty('probabilities')
    const asked = await post('/v1/sample', {
      logits: large,
      seed: 1,
      return_probabilities: 'all',
      encoding: 'base64',
    })
    const { dtype, shape, data } = asked.results[0].probabilities
    expect({ dtype, shape }).toEqual({ dtype: 'float32', shape: [32000] })
    const values = new Float32Array(Uint8Array.fromBase64(data).buffer)
    expect(values.length).toBe(32000)
    expect(values.reduce((a, b) => a + b)).toBeCloseTo(1, 5)
  })
})

describe('POST /v1/probabilities', () => {
  it('is softmax', async () => {
    const { results } = await post('/v1/probabilities', { logits })
    const weights = logits.map((logit) => Math.exp(logit))
    const total = weights.reduce((a, b) => a + b)
    results[0].probabilities.forEach((p: number, id: number) => {
      expect(p).toBeCloseTo(weights[id]! / total, 12)
    })
    expect(results[0]).not.toHaveProperty('token_ids')
  })

  it('is dense by default, whatever the size', async () => {
    const large = Array.from(readRows('synth_32000').rows[0]!)
    const { results } = await post('/v1/probabilities', { logits: large, top_k: 5 })
    expect(results[0].probabilities.length).toBe(32000)
    expect(results[0].kept_count).toBe(5)
  })

  it('refuses the fields of a draw', async () => {
    const { status, errors } = await post('/v1/probabilities', { logits, n: 1 })
    expect(status).toBe(400)
    expect(errors[0].pointer).toBe('/n')
  })
})

describe('information about the server', () => {
  it('lists samplers with fields, and profiles with orders', async () => {
    const { samplers, profiles } = (await app.inject('/v1/samplers')).json()
    expect(samplers.map(({ name }: { name: string }) => name)).toEqual(profiles[0].order)
    for (const { fields, reference } of samplers) {
      expect(Object.keys(fields).length).toBeGreaterThan(0)
      expect(reference.url).toMatch(/^https:/)
    }
  })

  it('has version and limits', async () => {
    const info = (await app.inject('/v1/info')).json()
    expect(info.limits).toEqual({
      max_body_bytes: 64 * 2 ** 20,
      max_vocab_size: 2 ** 20,
      max_rows: 4096,
    })
  })

  it('has a page at / that leads to the documentation', async () => {
    const response = await app.inject('/')
    expect(response.statusCode).toBe(200)
    expect(response.body).toContain('<a href="/docs">')
    const page = await app.inject('/docs/')
    expect(page.body).toContain('swagger-ui')
    expect(page.headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
  })

  it.each(['/livez', '/readyz'])('%s answers 200', async (url) => {
    expect((await app.inject(url)).json()).toEqual({ status: 'ok' })
  })
})
