import { setTimeout } from 'node:timers/promises'
import { gunzipSync, inflateSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { buildApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { reserved } from '../../src/kernel/arena.ts'
import { Work } from '../../src/plugins/work.ts'
import type { Steps } from '../../src/protocols/steps.ts'
import { testApp } from '../app.ts'
import { askWithoutReading, whereIs } from '../http.ts'
import { realisticRow, seeded } from '../sampling/rows.ts'

const OCTETS = 'application/octet-stream'
const MEBIBYTE = 2 ** 20

const random = seeded(5)
const vocabSize = 20_000
const rows = Array.from({ length: 12 }, () => Float32Array.from(realisticRow(vocabSize, random)))
/** A new copy for each request, because the server frees the memory of what it reads. */
const tensorOf = (some: readonly Float32Array<ArrayBuffer>[]) =>
  Buffer.concat(some.map(({ buffer }) => new Uint8Array(buffer)))

const INFER = '/v2/models/probabilities/infer'

/** A request of /v2 with binary logits, and its headers. */
function inferRequest(some: readonly Float32Array<ArrayBuffer>[], binary: boolean) {
  const tensor = tensorOf(some)
  const shape = [some.length, some[0]!.length]
  const parameters = { binary_data_size: tensor.length }
  const json = JSON.stringify({
    inputs: [{ name: 'logits', datatype: 'FP32', shape, parameters }],
    outputs: [
      { name: 'probabilities', parameters: { binary_data: binary } },
      { name: 'probabilities', parameters: { classification: shape[1] } },
    ],
  })
  const head = { 'content-type': OCTETS, 'inference-header-content-length': String(json.length) }
  return { head, payload: Buffer.concat([Buffer.from(json), tensor]) }
}

describe('a long answer', () => {
  // Penalties change logits in place.
  const penalty = 'output_token_ids=5,9,9,70&frequency_penalty=2&repetition_penalty=1.5'
  const draw = `seed=7&step=3&n=3000&temperature=1.3&${penalty}`

  it('has the same bytes as the answers for its rows', async () => {
    const app = await testApp()
    const ask = async (query: string, payload: Buffer) => {
      const url = `/v1/sample?return_probabilities=kept&min_p=1e-9&${draw}${query}`
      const response = await app.inject({
        method: 'POST',
        url,
        headers: { 'content-type': OCTETS },
        payload,
      })
      return { ...response, text: response.body }
    }
    const long = await ask(`&shape=${rows.length},${vocabSize}`, tensorOf(rows))
    expect(long.headers['content-length']).toBeUndefined()
    expect(long.text.length).toBeGreaterThan(2 * MEBIBYTE)
    await expect.poll(reserved).toBe(0)
    const results: string[] = []
    for (const [stream, row] of rows.entries()) {
      const short = await ask(`&stream=${stream}`, tensorOf([row]))
      expect(short.headers['content-length']).toBeDefined()
      results.push(short.text.slice('{"results":['.length, -'],"warnings":[]}'.length))
    }
    expect(long.text === `{"results":[${results}],"warnings":[]}`).toBe(true)
  })

  it('counts each row once, even if it is sampled twice', async () => {
    const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
    onTestFinished(() => app.close())
    let work: Work | undefined
    app.addHook('onResponse', async (request) => {
      work = request.work
    })
    const url = `/v1/sample?${draw}&shape=${rows.length},${vocabSize}&return_probabilities=kept`
    const headers = { 'content-type': OCTETS }
    const { statusCode } = await app.inject({
      method: 'POST',
      url,
      headers,
      payload: tensorOf(rows),
    })
    expect(statusCode).toBe(200)
    expect(work).toMatchObject({ rows: rows.length, tokens: 3000 * rows.length })
    await expect.poll(() => app.admission.bytes).toBe(0)
  })

  it.each([
    ['/v1/sample', {}],
    ['/v1/probabilities', { accept: OCTETS }],
  ])('of %s with a bad last row is a problem that names the row', async (url, headers) => {
    const app = await testApp()
    const last = rows.length - 1
    const logits: unknown[] = rows.map((row) => Array.from(row, toJson))
    logits[last] = new Array(vocabSize).fill('-Infinity')
    const payload = { logits, ...(url === '/v1/sample' && { return_probabilities: 'all', n: 9 }) }
    const response = await app.inject({ method: 'POST', url, headers, payload })
    expect(response.statusCode).toBe(422)
    expect(response.headers['content-type']).toBe('application/problem+json')
    expect(response.json()).toMatchObject({
      code: 'NO_TOKEN_LEFT',
      errors: [{ pointer: `/logits/${last}`, detail: expect.stringContaining(`row ${last}:`) }],
    })
  })

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ])('of /v2 is compressed with %s while it is written', async (encoding, decompress) => {
    const app = await testApp()
    const infer = (headers: Record<string, string>, binary: boolean) => {
      const { head, payload } = inferRequest(rows.slice(0, 6), binary)
      return app.inject({ method: 'POST', url: INFER, headers: { ...head, ...headers }, payload })
    }
    for (const binary of [false, true]) {
      const plain = await infer({}, binary)
      const compressed = await infer({ 'accept-encoding': encoding }, binary)
      expect(plain.statusCode).toBe(200)
      expect(plain.rawPayload.length).toBeGreaterThan(MEBIBYTE)
      expect(compressed.headers['content-encoding']).toBe(encoding)
      expect(compressed.headers['content-length']).toBeUndefined()
      expect(decompress(compressed.rawPayload).equals(plain.rawPayload)).toBe(true)
      const length = plain.headers['content-length']
      expect(length).toBe(binary ? String(plain.rawPayload.length) : undefined)
    }
  })
})

it('an answer that fails half-way is aborted', async () => {
  const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
  onTestFinished(() => app.close())
  app.get('/fault', async (_request, reply) => {
    const { admission } = app
    const ticket = admission.enter('json', 0)
    await admission.whenAdmitted(ticket)
    const work = new Work('json')
    await work.begin({ admission, ticket })
    return work.answer(reply, faulty())
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const response = await fetch(`${url}/fault`)
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
})

function* faulty(): Steps {
  yield 'x'.repeat(2 * MEBIBYTE)
  throw new Error('a fault')
}

/** A masked token in JSON. */
const toJson = (logit: number) => (logit === Number.NEGATIVE_INFINITY ? '-Infinity' : logit)

describe('a client that reads nothing', () => {
  // More text than the buffers of sockets hold.
  const many = Array.from({ length: 24 }, (_, row) =>
    Float32Array.from({ length: 65_536 }, (_, id) => Math.sin(row + id)),
  )
  const bytes = many.length * many[0]!.byteLength

  it.each([
    [
      '/v1',
      `/v1/probabilities?shape=${many.length},65536&return_probabilities=all`,
      () => ({ head: { 'content-type': OCTETS }, payload: tensorOf(many) }),
      2 * MEBIBYTE,
    ],
    ['/v2', INFER, () => inferRequest(many, false), 4 * bytes],
    [
      '/v2, compressed,',
      INFER,
      () => {
        const { head, payload } = inferRequest(many, false)
        return { head: { ...head, 'accept-encoding': 'gzip' }, payload }
      },
      4 * bytes,
    ],
  ])('of %s holds its values and little text until it disconnects', async (_, path, make, most) => {
    const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent' }))
    onTestFinished(() => app.close())
    const where = whereIs(await app.listen({ port: 0, host: '127.0.0.1' }))
    const { head, payload } = make()
    const socket = await askWithoutReading(where, path, head, payload)
    await setTimeout(300)
    expect(reserved()).toBeGreaterThanOrEqual(bytes)
    const held = app.admission.bytes - payload.length
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(most)
    socket.destroy()
    await expect.poll(reserved).toBe(0)
    await expect.poll(() => app.admission.underWay.size).toBe(0)
    expect(app.admission.bytes).toBe(0)
  })
})
