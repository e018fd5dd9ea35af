import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Server, starter } from '../server.ts'

/** Regions of shared memory over HTTP, as clients of Triton use them. */

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))
execFileSync('mkfifo', [join(folder, 'pipe')])
const start = starter(afterAll)

const ROWS = [
  [1, 2, 3, 4],
  [4, 1, 0, 2],
]
const BYTES = 32
writeFileSync(join(folder, 'logits'), Float32Array.from(ROWS.flat()))

/** Sends a request on a new connection, so that every worker gets some. */
async function send(
  { url }: Server,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
) {
  const response = await fetch(url + path, {
    method: body ? 'POST' : 'GET',
    headers: { connection: 'close', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: await response.json() }
}

const at = (name: string, what: string) => `/v2/systemsharedmemory/region/${name}/${what}`
const register = (server: Server, name: string, key: string, headers = {}, rest = {}) =>
  send(server, at(name, 'register'), { key, byte_size: BYTES, ...rest }, headers)

const shared = (region: string, size: number, offset = 0) => ({
  shared_memory_region: region,
  shared_memory_byte_size: size,
  ...(offset > 0 && { shared_memory_offset: offset }),
})
const logits = (region: string, shape = [2, 4], offset = 0) => ({
  name: 'logits',
  datatype: 'FP32',
  shape,
  parameters: shared(region, 4 * shape.reduce((a, b) => a * b), offset),
})
const infer = (server: Server, inputs: object[], outputs: object[] = [], headers = {}) =>
  send(server, '/v2/models/sample/infer', { parameters: { seed: 7 }, inputs, outputs }, headers)
const error = (text: string | RegExp) => ({
  status: 400,
  body: { error: expect.stringMatching(text) },
})

describe('a server with shared memory', async () => {
  const server = await start({ SHARED_MEMORY_DIR: folder })
  await register(server, 'in', '/logits')

  it('says so', async () => {
    expect((await send(server, '/v2')).body.extensions).toContain('system_shared_memory')
  })

  it('has no memory of a GPU, and nothing to unregister there', async () => {
    const cuda = '/v2/cudasharedmemory'
    expect(await send(server, `${cuda}/status`)).toEqual({ status: 200, body: [] })
    expect(await send(server, `${cuda}/unregister`, {})).toEqual({ status: 200, body: [] })
    expect(await send(server, `${cuda}/region/gpu/register`, {})).toMatchObject(
      error(/no memory of a GPU/),
    )
  })

  it('does not open what is no regular file', async () => {
    // A writer of a pipe waits until somebody opens it.
    const writer = spawn('sh', ['-c', `echo > ${join(folder, 'pipe')}`])
    let hasEnded = false
    writer.once('exit', () => {
      hasEnded = true
    })
    expect(await register(server, 'pipe', 'pipe')).toMatchObject(error(/regular file/))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(hasEnded).toBe(false)
    writer.kill()
  })

  it('lists regions', async () => {
    const region = { name: 'in', key: '/logits', offset: 0, byte_size: BYTES }
    expect(await send(server, '/v2/systemsharedmemory/status')).toEqual({
      status: 200,
      body: [region],
    })
    expect((await send(server, at('in', 'status'))).body).toEqual([region])
    expect((await send(server, at('nowhere', 'status'))).status).toBe(404)
  })

  it('reads inputs and writes outputs', async () => {
    writeFileSync(join(folder, 'out'), new Uint8Array(64).fill(7))
    await register(server, 'out', 'out', {}, { byte_size: 64 })
    const outputs = ['token_ids', 'probabilities'].map((name) => ({ name }))
    const plain = { name: 'logits', datatype: 'FP32', shape: [2, 4], data: ROWS }
    const expected = (await infer(server, [plain], outputs)).body.outputs
    const { body } = await infer(
      server,
      [logits('in')],
      [
        { name: 'token_ids', parameters: shared('out', 20) },
        { name: 'probabilities', parameters: shared('out', 32, 24) },
      ],
    )
    expect(body.outputs).toEqual([
      { name: 'token_ids', datatype: 'INT64', shape: [2, 1], parameters: shared('out', 16) },
      { name: 'probabilities', datatype: 'FP32', shape: [2, 4], parameters: shared('out', 32, 24) },
    ])
    const { buffer } = new Uint8Array(readFileSync(join(folder, 'out')))
    expect([...new BigInt64Array(buffer, 0, 2)].map(Number)).toEqual(expected[0].data)
    expect([...new Float32Array(buffer, 24, 8)]).toEqual(expected[1].data.map(Math.fround))
    expect([...new Uint8Array(buffer, 16, 8), ...new Uint8Array(buffer, 56)]).toEqual(
      Array(16).fill(7),
    )
  })

  it('reads parameters from a region', async () => {
    writeFileSync(join(folder, 'parameters'), Float32Array.of(0, 0))
    await register(server, 'parameters', 'parameters', {}, { byte_size: 8 })
    const temperature = {
      name: 'temperature',
      datatype: 'FP32',
      shape: [2],
      parameters: shared('parameters', 8),
    }
    const { body } = await infer(server, [logits('in'), temperature])
    expect(body.outputs[0].data).toEqual([3, 0])
  })

  it('refuses inputs and outputs that do not fit', async () => {
    expect(await infer(server, [logits('in', [3, 4])])).toEqual(
      error(/^input "logits": Expected at most 32 bytes.* got 48 from byte 0 on/),
    )
    expect(await infer(server, [logits('in', [8], 4)])).toEqual(error(/from byte 4 on/))
    expect(await infer(server, [{ ...logits('in'), shape: [4] }])).toEqual(
      error(/Shape \[4\] of FP32 takes 16 bytes, got 32/),
    )
    const output = (size: number) => [{ name: 'token_ids', parameters: shared('in', size) }]
    expect(await infer(server, [logits('in')], output(15))).toEqual(
      error(/^output "token_ids": It takes 16 bytes, got 15 of shared memory/),
    )
    expect(await infer(server, [logits('in')], output(33))).toEqual(
      error(/^output "token_ids": Expected at most 32 bytes/),
    )
    const numbers = [
      ...new Float32Array(new Uint8Array(readFileSync(join(folder, 'logits'))).buffer),
    ]
    expect(numbers).toEqual(ROWS.flat())
  })

  it.each(['pipe', 'missing', '../x', '/dev/null'])('registers no %j', async (key) => {
    expect(await register(server, 'bad', key)).toEqual(error(/^region "bad": .*SHARED_MEMORY_DIR/))
  })

  it('refuses a malformed registration', async () => {
    expect(await register(server, 'bad', 'logits', {}, { byte_size: 0 })).toEqual(
      error(/byte_size/),
    )
    expect(await register(server, 'bad', 'logits', {}, { offset: -1 })).toEqual(error(/offset/))
    expect(await register(server, 'in', 'logits')).toEqual(error(/registered already/))
  })

  it('registers nothing for a page of another site', async () => {
    const page = { origin: 'https://evil.example', 'content-type': 'text/plain' }
    expect((await register(server, 'page', 'logits', page)).status).toBe(403)
    const unregister = await send(server, '/v2/systemsharedmemory/unregister', {}, page)
    expect(unregister.status).toBe(403)
    const { body } = await send(server, '/v2/systemsharedmemory/status')
    const names = body.map(({ name }: { name: string }) => name)
    expect(names).toContain('in')
    expect(names).not.toContain('page')
  })

  it('finds a file that became shorter', async () => {
    writeFileSync(join(folder, 'shrinks'), new Uint8Array(BYTES))
    await register(server, 'shrinks', 'shrinks')
    truncateSync(join(folder, 'shrinks'), 20)
    expect(await infer(server, [logits('shrinks')])).toEqual(
      error(/^input "logits": Expected a file of at least 32 bytes, got 20/),
    )
  })

  it('forgets a region that is unregistered', async () => {
    await register(server, 'short', 'logits')
    expect((await send(server, at('short', 'unregister'), {})).status).toBe(200)
    expect((await send(server, at('short', 'unregister'), {})).status).toBe(200)
    expect(await infer(server, [logits('short')])).toEqual(
      error(/Unknown shared-memory region "short"/),
    )
  })
})

it('a server without shared memory says how to turn it on', async () => {
  const server = await start()
  expect((await send(server, '/v2')).body.extensions).not.toContain('system_shared_memory')
  const off = error(/SHARED_MEMORY_DIR/)
  expect(await register(server, 'in', 'logits')).toEqual(off)
  expect(await send(server, '/v2/systemsharedmemory/status')).toEqual(off)
  expect(await infer(server, [logits('in')])).toEqual(off)
})

it('a key sees only its own regions', async () => {
  const keys = ['the-first-long-key', 'the-other-long-key']
  const server = await start({ SHARED_MEMORY_DIR: folder, API_KEYS: keys.join(',') })
  const [own, other] = keys.map((key) => ({ authorization: `Bearer ${key}` }))
  expect((await register(server, 'in', 'logits')).status).toBe(401)
  await register(server, 'in', 'logits', own)
  expect((await infer(server, [logits('in')], [], own)).status).toBe(200)
  const unknown = await infer(server, [logits('nowhere')], [], other)
  const foreign = await infer(server, [logits('in')], [], other)
  expect(foreign.body.error).toBe(unknown.body.error.replace('nowhere', 'in'))
  expect((await send(server, at('in', 'status'), undefined, other)).status).toBe(404)
  await send(server, '/v2/systemsharedmemory/unregister', {}, other)
  expect((await infer(server, [logits('in')], [], own)).status).toBe(200)
})

it('all workers know a region, also one that is started later', async () => {
  const server = await start({ SHARED_MEMORY_DIR: folder, WORKERS: '2' })
  const crews = () =>
    server.lines.flatMap((line) => (JSON.parse(line) as { pids?: number[] }).pids ?? [])
  await expect.poll(crews, { timeout: 20_000 }).toHaveLength(2)
  const statuses = async () => {
    const all = Array.from({ length: 24 }, () => infer(server, [logits('in')]))
    return new Set((await Promise.all(all)).map(({ status }) => status))
  }
  await register(server, 'in', 'logits')
  expect(await statuses()).toEqual(new Set([200]))
  process.kill(crews()[0]!, 'SIGKILL')
  await expect.poll(crews, { timeout: 20_000 }).toHaveLength(4)
  expect(await statuses()).toEqual(new Set([200]))
  await send(server, at('in', 'unregister'), {})
  expect(await statuses()).toEqual(new Set([400]))
})

describe('with several workers', async () => {
  const server = await start({
    SHARED_MEMORY_DIR: folder,
    WORKERS: '2',
    MAX_SHARED_MEMORY_REGIONS: '6',
  })
  const crews = () =>
    server.lines.flatMap((line) => (JSON.parse(line) as { pids?: number[] }).pids ?? [])
  beforeAll(() => vi.waitFor(() => expect(crews()).toHaveLength(2), { timeout: 20_000 }))

  it('one of several registrations of a name is made', async () => {
    for (let round = 0; round < 5; round++) {
      const all = Array.from({ length: 8 }, () => register(server, `raced-${round}`, 'logits'))
      const statuses = (await Promise.all(all)).map(({ status }) => status)
      expect(statuses.toSorted()).toEqual([200, ...new Array(7).fill(400)])
    }
    await send(server, '/v2/systemsharedmemory/unregister', {})
  })

  it('no more regions are registered than allowed', async () => {
    const all = Array.from({ length: 24 }, (_, i) => register(server, `many-${i}`, 'logits'))
    const statuses = (await Promise.all(all)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(6)
    await send(server, '/v2/systemsharedmemory/unregister', {})
  })

  it('a region whose file is another one is unregistered when a worker is replaced', async () => {
    writeFileSync(join(folder, 'replaced'), Float32Array.from(ROWS.flat()))
    await register(server, 'lost', 'replaced')
    rmSync(join(folder, 'replaced'))
    writeFileSync(join(folder, 'replaced.new'), Float32Array.from(ROWS.flat()))
    renameSync(join(folder, 'replaced.new'), join(folder, 'replaced'))
    process.kill(crews()[0]!, 'SIGKILL')
    await expect.poll(crews, { timeout: 20_000 }).toHaveLength(4)
    const answers = Array.from({ length: 24 }, () => infer(server, [logits('lost')]))
    const statuses = (await Promise.all(answers)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([400]))
  })
})
