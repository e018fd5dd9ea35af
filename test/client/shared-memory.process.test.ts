import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { type ClientOptions, Kelvin, type Logits } from '../../src/client/index.ts'
import { readRow } from '../golden/read.ts'
import { starter } from '../server.ts'

/** The client with logits in files that it shares with the server. */

const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kelvin-'))
const folder = join(root, 'shared')
mkdirSync(folder)
const start = starter(afterAll)
afterAll(() => rmSync(root, { recursive: true }))

const clients: Kelvin[] = []
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  const left = readdirSync(folder)
  for (const name of left) rmSync(join(folder, name))
  expect(left).toEqual([])
})
function open(url: string, options: ClientOptions = { sharedMemory: folder }): Kelvin {
  const client = new Kelvin(url, options)
  clients.push(client)
  return client
}

const row = readRow({ file: 'stories260k', row: 8 })
const halves = new Float16Array(row)
const words = Uint16Array.from(new Uint32Array(row.slice().buffer), (word) => word >>> 16)
const params = { temperature: 0.8, top_p: 0.95, n: 4, top_logprobs: 3, seed: 7 } as const
/** A row with one likely token. */
const peak = (vocabSize: number, token: number) =>
  new Float32Array(vocabSize).fill(-100).with(token, 100)

describe('a server with shared memory', async () => {
  const socket = join(root, 'kelvin.sock')
  const { url } = await start({ SHARED_MEMORY_DIR: folder, SOCKET_PATH: socket })

  it.each<[string, Logits]>([
    ['a Float32Array', row],
    ['a part of one', row.subarray(3, 403)],
    ['a Float64Array', Float64Array.from(row)],
    ['a Float16Array', halves],
    ['words of bfloat16', words],
    ['half floats', { dtype: 'float16', shape: [512], data: new Uint16Array(halves.buffer) }],
    ['numbers, one of them −∞', [2, 1, Number.NEGATIVE_INFINITY, 0]],
    ['the most likely tokens', { vocab_size: 99, token_ids: [3, 5], values: [2, 1.5], log_z: 3 }],
  ])('gives the same answer for %s', async (_, logits) => {
    const asked = { ...params, logit_bias: { 3: 0.5 } }
    const expected = await open(url, {}).sample(logits, asked)
    expect(await open(url).sample(logits, asked)).toEqual(expected)
    expect(await open(`unix:${socket}`).sample(logits, asked)).toEqual(expected)
  })

  it('gives the same answer for batches, and for probabilities', async () => {
    const batch = [row, row.map((logit) => logit / 2), row.toReversed()]
    const data = Float32Array.from(batch.flatMap((logits) => [...logits]))
    const tensor = { dtype: 'float32', shape: [3, 512], data } as const
    const asked = { ...params, rows: [{}, { temperature: 2 }, { seed: 9 }] }
    const [shared, plain] = [open(url), open(url, {})]
    const expected = await plain.sampleBatch(batch, asked)
    expect(await shared.sampleBatch(batch, asked)).toEqual(expected)
    expect(await shared.sampleBatch(tensor, asked)).toEqual(expected)
    expect(await shared.probabilitiesBatch(batch)).toEqual(await plain.probabilitiesBatch(batch))
  })

  it('generates the same tokens', async () => {
    const forward = (output: readonly number[]) =>
      readRow({ file: 'stories260k', row: (output.length + (output.at(-1) ?? 0)) % 40 })
    const asked = { temperature: 1.5, seed: 11, repetition_penalty: 1.8, mirostat: 2 } as const
    const generate = (kelvin: Kelvin) =>
      Array.fromAsync(kelvin.decode(forward, asked, { maxTokens: 8 }))
    expect(await generate(open(url))).toEqual(await generate(open(url, {})))
  })

  it('reads a file that the caller wrote', async () => {
    writeFileSync(
      join(folder, 'own'),
      Buffer.concat([Buffer.alloc(8), Buffer.from(row.slice().buffer)]),
    )
    const logits = { dtype: 'float32', shape: [512], shared_memory: { name: 'own', offset: 8 } }
    const plain = open(url, {})
    const expected = await plain.sample(row, params)
    expect(await plain.sample(logits as Logits, params)).toEqual(expected)
    expect(await open(url).sample(logits as Logits, params)).toEqual(expected)
    rmSync(join(folder, 'own'))
  })

  it('gets one file that only its user may open, which grows and is used again', async () => {
    const kelvin = open(url)
    for (const [vocabSize, token] of [
      [512, 3],
      [100_000, 99_999],
      [512, 511],
      [4, 0],
    ] as const) {
      expect((await kelvin.sample(peak(vocabSize, token), { seed: 1 })).token_ids).toEqual([token])
    }
    const [name, ...others] = readdirSync(folder)
    expect(others).toEqual([])
    expect(name).toMatch(/^kelvin-[0-9a-f]{32}$/)
    const { size, mode } = statSync(join(folder, name!))
    expect(size).toBe(400_000)
    expect(mode & 0o777).toBe(0o600)
  })

  it('gets a file for each concurrent call, and not more than connections', async () => {
    const kelvin = open(url, { sharedMemory: folder, connections: 3 })
    let most = 0
    const drawn = await Promise.all(
      Array.from({ length: 24 }, async (_, token) => {
        const { token_ids } = await kelvin.sample(peak(1000, token), { seed: 1 })
        most = Math.max(most, readdirSync(folder).length)
        return token_ids[0]
      }),
    )
    expect(drawn).toEqual(drawn.map((_, token) => token))
    expect(most).toBe(3)
  })

  it('answers calls that wait for others when the client closes', async () => {
    const kelvin = new Kelvin(url, { sharedMemory: folder, connections: 1 })
    const calls = [3, 4, 5].map((token) => kelvin.sample(peak(100, token), { seed: 1 }))
    await kelvin.close()
    expect((await Promise.all(calls)).map(({ token_ids }) => token_ids[0])).toEqual([3, 4, 5])
    await expect(kelvin.sample(row)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
  })

  it('may refuse a request, after which its file is removed', async () => {
    const kelvin = open(url)
    await expect(kelvin.sample([1, Number.NaN])).rejects.toMatchObject({
      code: 'LOGITS_NOT_FINITE',
      problem: { errors: [{ pointer: '/logits/shared_memory' }] },
    })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('an error says what to do', async () => {
  const { url } = await start()

  it('if shared memory is off', async () => {
    await expect(open(url).sample(row)).rejects.toMatchObject({
      code: 'SHARED_MEMORY_UNAVAILABLE',
      status: 422,
      message: expect.stringMatching(/Shared memory is off: set SHARED_MEMORY_DIR on the server/),
    })
  })

  it('if the directory does not exist', async () => {
    const failed = open(url, { sharedMemory: join(root, 'missing') }).sample(row)
    await expect(failed).rejects.toMatchObject({
      name: 'KelvinError',
      code: 'SHARED_MEMORY_UNAVAILABLE',
      status: undefined,
      message: expect.stringMatching(
        /Cannot write logits into .*missing: ENOENT.*SHARED_MEMORY_DIR/,
      ),
    })
  })
})

/** A server that records the files of requests, and answers only when it is told to. */
async function slow() {
  const asked: { file: string; response: ServerResponse }[] = []
  const http = createServer(async (request, response) => {
    const { logits } = JSON.parse(String(Buffer.concat(await request.toArray())))
    asked.push({ file: join(folder, logits.shared_memory.name), response })
    http.emit('asked')
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async next() {
      if (asked.length === 0) await once(http, 'asked')
      return asked.shift()!
    },
    close() {
      http.closeAllConnections()
      http.close()
    },
  }
}
const floatsOf = (file: string | number) =>
  new Float32Array(Uint8Array.from(readFileSync(file)).buffer)
const answer = JSON.stringify({ results: [{ token_ids: [1] }], warnings: [] })

it.each<[string, (control: AbortController) => object, string]>([
  ['is aborted', ({ signal }) => ({ signal }), 'AbortError'],
  ['takes too long', () => ({ timeout: 100 }), 'KelvinError'],
])('a call that %s leaves its file to the server that may still read it', async (_, how, name) => {
  const server = await slow()
  const kelvin = open(server.url, { sharedMemory: folder, connections: 1 })
  const control = new AbortController()
  const first = kelvin.sample(Float32Array.of(1, 2), { seed: 1 }, how(control))
  const waiting = kelvin.sample(Float32Array.of(3, 4), { seed: 1 }, how(control))
  const left = await server.next()
  const fd = openSync(left.file, 'r')
  control.abort()
  await expect(first).rejects.toMatchObject({ name })
  await expect(waiting).rejects.toMatchObject({ name })
  const second = kelvin.sample(Float32Array.of(5, 6), { seed: 1 })
  const { file, response } = await server.next()
  expect(file).not.toBe(left.file)
  expect(floatsOf(fd)).toEqual(Float32Array.of(1, 2))
  closeSync(fd)
  expect(floatsOf(file)).toEqual(Float32Array.of(5, 6))
  response.end(answer)
  await second
  server.close()
})

it('a retry names the same file', async () => {
  const server = await slow()
  const call = open(server.url).sample(Float32Array.of(1, 2), { seed: 1 })
  const refused = await server.next()
  refused.response
    .writeHead(503, { 'retry-after-ms': '1' })
    .end('{"code":"OVERLOADED","detail":""}')
  const { file, response } = await server.next()
  expect(file).toBe(refused.file)
  response.end(answer)
  expect((await call).token_ids).toEqual([1])
  server.close()
})
