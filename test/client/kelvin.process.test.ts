import { getEventListeners, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Kelvin, KelvinError, type Logits } from '../../src/client/index.ts'
import { readRow } from '../golden/read.ts'
import { type Server, startServer } from '../server.ts'

const row = readRow({ file: 'stories260k', row: 8 })
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')

let server: Server
let tcp: Kelvin
let unix: Kelvin
beforeAll(async () => {
  server = await startServer({ SOCKET_PATH: socket })
  tcp = new Kelvin(server.url)
  unix = new Kelvin(`unix:${socket}`)
})
afterAll(async () => {
  await Promise.all([tcp.close(), unix.close()])
  expect(await server.stop()).toBe(0)
  rmSync(folder, { recursive: true })
})

/** The answer to a request without the client. */
async function answer(path: string, request: object) {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(request)
  const response = await fetch(server.url + path, { method: 'POST', headers, body })
  return (await response.json()) as { results: Record<string, unknown>[]; warnings: unknown[] }
}

const params = { temperature: 0.8, top_p: 0.95, n: 4, top_logprobs: 3, seed: 7 } as const
const words = (values: Float32Array) =>
  Uint16Array.from(new Uint32Array(Float32Array.from(values).buffer), (word) => word >>> 16)
const halves = new Float16Array(row)

describe('one row', () => {
  const forms: Record<string, [Logits, unknown]> = {
    'a Float32Array': [row, Array.from(row)],
    'a part of one': [row.subarray(3, 403), Array.from(row.subarray(3, 403))],
    'a Float64Array': [Float64Array.from(row), Array.from(row)],
    'a Float16Array': [halves, Array.from(halves)],
    'words of bfloat16': [
      words(row),
      { dtype: 'bfloat16', shape: [512], data: Buffer.from(words(row).buffer).toString('base64') },
    ],
    'half floats as words': [
      { dtype: 'float16', shape: [512], data: new Uint16Array(halves.buffer) },
      Array.from(halves),
    ],
    'numbers, one of them −∞': [
      [2, 1, Number.NEGATIVE_INFINITY, 0],
      [2, 1, '-Infinity', 0],
    ],
    'the most likely tokens': [
      { vocab_size: 99, token_ids: [3, 5], values: [2, 1.5], log_z: 3 },
      { vocab_size: 99, token_ids: [3, 5], values: [2, 1.5], log_z: 3 },
    ],
  }
  it.each(Object.entries(forms))('as %s', async (_, [logits, written]) => {
    const asked = { ...params, return_probabilities: 'none' } as const
    const { results, warnings } = await answer('/v1/sample', { logits: written, ...asked })
    expect(await tcp.sample(logits, asked)).toEqual({ ...results[0], warnings })
    expect(await unix.sample(logits, asked)).toEqual({ ...results[0], warnings })
  })

  it.each<[string, object]>([
    ['biases', { logit_bias: { 376: Number.NEGATIVE_INFINITY, 5: 2.5 } }],
    [
      'sequences',
      { bad_words_ids: [[376], [1, 2]], sequence_bias: [{ token_ids: [4], bias: -1 }] },
    ],
    ['a long history', { prompt_token_ids: Array.from({ length: 5000 }, (_, i) => i % 512) }],
    ['an order', { order: ['temperature', 'top_p'] }],
    ['nothing in a list', { banned_token_ids: [] }],
    ['what is not said', { top_k: undefined }],
  ])('with %s', async (_, more) => {
    const asked = { ...params, repetition_penalty: 1.1, ...more }
    const { results, warnings } = await answer('/v1/sample', {
      logits: Array.from(row),
      ...JSON.parse(JSON.stringify(asked).replace('"376":null', '"376":"-Infinity"')),
      return_probabilities: 'none',
    })
    const given = await tcp.sample(row, { ...asked, return_probabilities: 'none' })
    expect(given).toEqual({ ...results[0], warnings })
  })

  it.each([
    [{ temperature: Number.NaN }, '/temperature'],
    [{ min_p: Number.POSITIVE_INFINITY }, '/min_p'],
    [{ seed: 2 ** 60 }, '/seed'],
  ])('refuses %j alike, as a query and as JSON', async (bad, pointer) => {
    for (const more of [{}, { logit_bias: { 1: 1 } }]) {
      const failed = tcp.sample(row, { ...bad, ...more } as object)
      await expect(failed).rejects.toMatchObject({
        status: 400,
        problem: { errors: [{ pointer }] },
      })
    }
  })

  it('with a mask of bytes, a seed beyond 2^53 and other logits', async () => {
    const bits = new Uint8Array(64).fill(0x55)
    const other = row.map((logit) => logit / 2)
    const asked = { ...params, guidance_scale: 1.5 }
    const { results } = await answer('/v1/sample', {
      logits: Array.from(row),
      ...asked,
      seed: '18446744073709551615',
      token_bitmask: Buffer.from(bits).toString('base64'),
      unconditional_logits: Array.from(other),
    })
    const given = await tcp.sample(row, {
      ...asked,
      seed: 2n ** 64n - 1n,
      token_bitmask: bits,
      unconditional_logits: other,
    })
    expect(given).toMatchObject({ token_ids: results[0]!.token_ids, seed: results[0]!.seed })
    expect(given.token_ids.every((id) => id % 2 === 0)).toBe(true)
  })

  it('returns probabilities as a Float32Array', async () => {
    const { results } = await answer('/v1/probabilities', {
      logits: Array.from(row),
      ...{ top_k: 9 },
    })
    const { probabilities, warnings } = await tcp.probabilities(row, { top_k: 9 })
    expect(probabilities).toEqual(Float32Array.from(results[0]!.probabilities as number[]))
    expect(warnings).toEqual([])
    const drawn = await tcp.sample(row, { ...params, return_probabilities: 'kept' })
    expect(drawn.kept!.token_ids).toContain(drawn.token_ids[0])
    expect(drawn.warnings).toEqual([])
    const rows = [{}, { return_probabilities: 'all' }, { top_k: 1, top_p: 1 }] as const
    const asked = { ...params, return_probabilities: 'kept', rows } as const
    const batch = await tcp.sampleBatch([row, row, row], asked)
    expect(batch.warnings).toEqual([])
    expect(batch.results[1]!.probabilities).toBeInstanceOf(Float32Array)
    expect(batch.results[2]!.kept!.probabilities).toEqual([1])
  })
})

describe('a batch', () => {
  it('has a result for each row, which may have its own parameters', async () => {
    const rows = [{ temperature: 0 }, { seed: 9 }]
    const { results } = await answer('/v1/sample', {
      logits: [Array.from(row), Array.from(row)],
      ...params,
      rows,
      return_probabilities: 'none',
    })
    const asked = { ...params, rows, return_probabilities: 'none' } as const
    expect((await tcp.sampleBatch([row, row], asked)).results).toEqual(results)
    const data = Float32Array.from([...row, ...row])
    const tensor = { dtype: 'float32', shape: [2, 512], data } as const
    expect((await unix.sampleBatch(tensor, asked)).results).toEqual(results)
    const { results: dense } = await tcp.probabilitiesBatch([row, row], { temperature: 2 })
    expect(dense.map(({ probabilities }) => probabilities!.length)).toEqual([512, 512])
  })

  it('is refused by sample(), and needs rows of equal length', async () => {
    const data = Float32Array.from([...row, ...row])
    const tensor = { dtype: 'float32', shape: [2, 512], data } as const
    await expect(tcp.sample(tensor, params)).rejects.toThrow(/use sampleBatch/)
    await expect(tcp.sampleBatch([row, row.subarray(1)])).rejects.toThrow(/Row 1 differs/)
    await expect(tcp.sampleBatch([])).rejects.toThrow(/at least one row/)
    await expect(tcp.sample(new Int32Array(4) as never)).rejects.toThrow(/Int32Array/)
  })
})

describe('a failure', () => {
  it('of a request has the problem document', async () => {
    const failed = tcp.sample(Float32Array.of(1, Number.NaN), { seed: 1 })
    const error = (await failed.catch((reason) => reason)) as KelvinError
    expect(error).toBeInstanceOf(KelvinError)
    expect(error).toMatchObject({ name: 'KelvinError', status: 422, code: 'LOGITS_NOT_FINITE' })
    expect(error.message).toBe(error.problem!.detail)
    const misspelt = tcp.sample(row, { tempreature: 1 } as object)
    await expect(misspelt).rejects.toThrow(/did you mean "temperature"/)
  })

  it('to connect names the address', async () => {
    const nobody = new Kelvin(`unix:${folder}/nobody.sock`)
    await expect(nobody.sample(row)).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('nobody.sock'),
    })
  })

  it('by the caller’s signal is the reason of the signal', async () => {
    const reason = new Error('enough')
    await expect(tcp.sample(row, {}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  it('and a success leave no listener at the caller’s signal', async () => {
    const { signal } = new AbortController()
    await tcp.sample(row, { seed: 1 }, { signal })
    await expect(tcp.sample([Number.NaN], {}, { signal })).rejects.toThrow()
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })
})

/** A server that answers in place of Kelvin. */
async function stub(answerWith: RequestListener): Promise<{ url: string; close(): void }> {
  const http = createServer(answerWith).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/kelvin/`,
    close() {
      http.closeAllConnections()
      http.close()
    },
  }
}

describe('a 503', () => {
  /** A server that refuses a number of times, then answers with the number of requests. */
  async function busy(times: number, retryAfter: string, more = {}) {
    const seen: string[] = []
    const { url, close } = await stub((request, response) => {
      request.resume().on('end', () => {
        seen.push(`${request.url}, ${request.headers.authorization}`)
        if (seen.length <= times) {
          response
            .writeHead(503, { 'retry-after': retryAfter, ...more })
            .end('{"code":"OVERLOADED"}')
        } else response.end('{"results":[{"token_ids":[1]}],"warnings":[]}')
      })
    })
    return { seen, url, close }
  }

  it('is retried if the request has a seed', async () => {
    const { url, seen, close } = await busy(2, '0.1')
    const client = new Kelvin(url, { apiKey: 'a key of sixteen bytes' })
    const began = performance.now()
    expect((await client.sample(row, { seed: 1 })).token_ids).toEqual([1])
    expect(performance.now() - began).toBeGreaterThan(200)
    expect(seen).toHaveLength(3)
    expect(new Set(seen).size).toBe(1)
    expect(seen[0]).toMatch(/^\/kelvin\/v1\/sample\?seed=1.*, Bearer a key of sixteen bytes$/)
    await client.close()
    close()
  })

  it('is retried after the milliseconds that Kelvin names', async () => {
    const { url, seen, close } = await busy(1, '60', { 'retry-after-ms': '60' })
    const client = new Kelvin(url)
    const began = performance.now()
    await client.sample(row, { seed: 1 })
    expect(performance.now() - began).toBeGreaterThan(55)
    expect(seen).toHaveLength(2)
    await client.close()
    close()
  })

  it('is retried until the retries or the time are used up', async () => {
    const { url, seen, close } = await busy(9, '0')
    const client = new Kelvin(url, { retries: 1 })
    await expect(client.probabilities(row)).rejects.toMatchObject({
      code: 'OVERLOADED',
      status: 503,
    })
    expect(seen).toHaveLength(2)
    close()
    const slow = await busy(9, new Date(Date.now() + 60_000).toUTCString())
    const waiting = new Kelvin(slow.url).sample(row, { seed: 1 }, { timeout: 100 })
    await expect(waiting).rejects.toMatchObject({ code: 'TIMEOUT' })
    const control = new AbortController()
    const given = new Kelvin(slow.url).sample(row, { seed: 1 }, { signal: control.signal })
    setTimeout(() => control.abort(), 50)
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })
    slow.close()
  })

  it('is final if Kelvin would draw another seed', async () => {
    const { url, seen, close } = await busy(1, '0')
    await expect(new Kelvin(url).sample(row)).rejects.toMatchObject({ status: 503 })
    expect(seen).toHaveLength(1)
    close()
  })
})

it('a proxy may answer anything', async () => {
  const { url, close } = await stub((_, response) => response.writeHead(502).end('<h1>no</h1>'))
  const client = new Kelvin(url)
  await expect(client.sample(row)).rejects.toMatchObject({ code: 'BAD_ANSWER', status: 502 })
  close()
  const page = await stub((_, response) => response.end('<h1>hello</h1>'))
  await expect(new Kelvin(page.url).sample(row)).rejects.toMatchObject({ code: 'BAD_ANSWER' })
  page.close()
})

it('connections are reused, and at most as many as the option says', async () => {
  const ports = new Set<number>()
  const { url, close } = await stub((request, response) => {
    ports.add(request.socket.remotePort!)
    setTimeout(() => response.end('{"results":[{"token_ids":[1]}],"warnings":[]}'), 5)
  })
  const client = new Kelvin(url, { connections: 2 })
  await Promise.all(Array.from({ length: 20 }, () => client.sample(row)))
  await client.sample(row)
  expect(ports.size).toBe(2)
  await client.close()
  close()
})
