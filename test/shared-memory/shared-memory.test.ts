import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { sampleHere } from '../../src/cli/in-process.ts'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { SharedMemory } from '../../src/shared-memory/shared-memory.ts'
import { testApp } from '../app.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const outside = join(folder, 'outside')
const shared = join(folder, 'shared')
mkdirSync(shared)
mkdirSync(join(shared, 'folder'))
writeFileSync(outside, new Uint8Array(64))
symlinkSync(outside, join(shared, 'link'))
afterAll(() => rmSync(folder, { recursive: true }))

const file = join(shared, 'numbers')
beforeEach(() =>
  writeFileSync(
    file,
    Uint8Array.from({ length: 64 }, (_, i) => i),
  ),
)

const LIMIT = 1024
const open = (environment: Record<string, string> = {}) =>
  new SharedMemory(loadConfig({ SHARED_MEMORY_DIR: shared, ...environment }))
const fault = (detail: string): never => {
  throw new Error(detail)
}
const region = (name: string, offset = 0, byte_size = 64, key = 'numbers') => ({
  name,
  key,
  offset,
  byte_size,
})

/** The descriptors of this process for the file of the tests. */
const descriptors = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(file)
    } catch {
      return false
    }
  }).length

describe('a file', () => {
  const read = (name: string, offset = 0, length = 4) => {
    const use = open().begin({}, LIMIT)
    try {
      const bytes = new Uint8Array(length)
      use.file(name, offset, length, fault).read(0, bytes)
      return [...bytes]
    } finally {
      use.release()
    }
  }

  it('has a plain name, with a slash in front as in shm_open or without', () => {
    expect(read('numbers', 60)).toEqual([60, 61, 62, 63])
    expect(read('/numbers', 2)).toEqual([2, 3, 4, 5])
  })

  const other = [
    '',
    '/',
    '.',
    '..',
    '/..',
    '//numbers',
    'folder/x',
    '../outside',
    'numbers\0',
    'x'.repeat(256),
  ]
  it.each(other)('is not named %j', (name) => {
    expect(() => read(name)).toThrow('Expected the name of a file in SHARED_MEMORY_DIR')
  })

  it.each(['missing', 'folder', 'link'])('is a regular file, so not %j', (name) => {
    expect(() => read(name)).toThrow(`Cannot open "${name}": expected a regular file`)
    expect(descriptors()).toBe(0)
  })

  it.runIf(process.platform === 'linux')('is closed after the request', () => {
    const use = open().begin({}, LIMIT)
    use.file('numbers', 0, 4, fault)
    expect(descriptors()).toBe(1)
    use.release()
    expect(descriptors()).toBe(0)
  })

  it.each([
    [61, 4],
    [64, 1],
    [Number.MAX_SAFE_INTEGER - 3, 4],
    [Number.MAX_SAFE_INTEGER, 4],
  ])('has the bytes from %d on: not %d of them', (offset, length) => {
    expect(() => read('numbers', offset, length)).toThrow(/Expected a (file of|smaller offset)/)
  })

  it('that becomes shorter is an error, also after its size was checked', () => {
    const use = open().begin({}, LIMIT)
    const source = use.file('numbers', 8, 56, fault)
    source.read(0, new Uint8Array(56))
    truncateSync(file, 40)
    expect(() => source.read(0, new Uint8Array(56))).toThrow('The file ends at byte 40')
    source.read(0, new Uint8Array(32))
    use.release()
  })

  it('counts against the limit on bodies, with all others of the request', () => {
    const use = open().begin({}, 100)
    use.file('numbers', 0, 60, fault)
    expect(() => use.file('numbers', 0, 60, fault)).toThrow('120 bytes, and the limit is 100')
    use.release()
  })

  it('cannot be used if shared memory is off', () => {
    const use = new SharedMemory(loadConfig({})).begin({}, LIMIT)
    expect(() => use.file('numbers', 0, 4, fault)).toThrow('set SHARED_MEMORY_DIR')
  })
})

it.each([outside, join(folder, 'missing')])('the directory is no %j', (path) => {
  expect(() => open({ SHARED_MEMORY_DIR: path })).toThrow(ConfigError)
  expect(() => open({ SHARED_MEMORY_DIR: path })).toThrow('Expected a directory')
})

describe('a region', () => {
  it('is read and written within its range', async () => {
    const memory = open()
    await memory.register('', region('a', 8, 16), fault)
    const use = memory.begin({}, LIMIT)
    const bytes = new Uint8Array(4)
    use.part({ region: 'a', offset: 12, length: 4 }, fault).read(0, bytes)
    expect([...bytes]).toEqual([20, 21, 22, 23])
    const target = use.target({ region: 'a', offset: 0, length: 4 }, fault)
    target.write(0, Uint8Array.of(1, 1))
    target.write(2, Uint8Array.of(1, 1))
    expect([...readFileSync(file).subarray(6, 14)]).toEqual([6, 7, 1, 1, 1, 1, 12, 13])
    expect(() => target.write(0, new Uint8Array(5))).toThrow('too long')
    expect(() => target.write(3, new Uint8Array(2))).toThrow('too long')
    use.release()
    memory.close()
  })

  it.each([
    [13, 4],
    [16, 1],
    [0, 17],
    [Number.MAX_SAFE_INTEGER, 1],
    [1, Number.MAX_SAFE_INTEGER],
  ])('does not have bytes %d + %d', async (offset, length) => {
    const memory = open()
    await memory.register('', region('a', 8, 16), fault)
    const use = memory.begin({}, Number.POSITIVE_INFINITY)
    const part = { region: 'a', offset, length }
    expect(() => use.part(part, fault)).toThrow('Expected at most 16 bytes')
    expect(() => use.target(part, fault)).toThrow('Expected at most 16 bytes')
    use.release()
    memory.close()
  })

  it('does not make a file longer that has become shorter', async () => {
    const memory = open()
    await memory.register('', region('a'), fault)
    const use = memory.begin({}, LIMIT)
    const target = use.target({ region: 'a', offset: 0, length: 64 }, fault)
    truncateSync(file, 10)
    expect(() => target.write(0, new Uint8Array(64))).toThrow(
      'Expected a file of at least 64 bytes',
    )
    expect(readFileSync(file)).toHaveLength(10)
    use.release()
    memory.close()
  })

  it('is refused if the file is shorter, or the name taken', async () => {
    const memory = open()
    await expect(memory.register('', region('a', 1, 64), fault)).rejects.toThrow('at least 65')
    const large = region('a', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    await expect(memory.register('', large, fault)).rejects.toThrow('smaller offset')
    await memory.register('', region('a'), fault)
    await expect(memory.register('', region('a'), fault)).rejects.toThrow('registered already')
    memory.close()
  })

  it('counts against a limit, until it is unregistered', async () => {
    const memory = open({ MAX_SHARED_MEMORY_REGIONS: '2' })
    await memory.register('', region('a'), fault)
    await memory.register('other', region('a'), fault)
    await expect(memory.register('', region('b'), fault)).rejects.toThrow(
      '(MAX_SHARED_MEMORY_REGIONS)',
    )
    await memory.unregister('', undefined, fault)
    await memory.register('', region('b'), fault)
    memory.close()
  })

  it.runIf(process.platform === 'linux')(
    'is closed when it is unregistered and no request uses it, and at shutdown',
    async () => {
      const memory = open()
      await memory.register('', region('a'), fault)
      const use = memory.begin({}, LIMIT)
      const source = use.part({ region: 'a', offset: 0, length: 4 }, fault)
      await memory.unregister('', 'a', fault)
      expect(descriptors()).toBe(1)
      source.read(0, new Uint8Array(4))
      use.release()
      expect(descriptors()).toBe(0)
      await memory.register('', region('a'), fault)
      await memory.register('', region('b'), fault)
      expect(descriptors()).toBe(2)
      memory.close()
      expect(descriptors()).toBe(0)
    },
  )

  it('belongs to the key that registered it', async () => {
    const memory = open({ API_KEYS: 'the-first-long-key,the-other-long-key' })
    const headers = { authorization: 'Bearer the-first-long-key' }
    const owner = memory.ownerOf(headers)
    const other = memory.ownerOf({ authorization: 'Bearer the-other-long-key' })
    await memory.register(owner, region('a'), fault)
    await memory.unregister(other, 'a', fault)
    await memory.unregister(other, undefined, fault)
    expect(memory.list(other, undefined, fault)).toEqual([])
    expect(memory.list(owner, 'a', fault)).toEqual([region('a')])
    const part = { region: 'a', offset: 0, length: 4 }
    const foreign = memory.begin({ authorization: 'Bearer the-other-long-key' }, LIMIT)
    expect(() => foreign.part(part, fault)).toThrow('Unknown shared-memory region "a"')
    const own = memory.begin(headers, LIMIT)
    own.part(part, fault)
    own.release()
    memory.close()
  })
})

describe('logits in a file', async () => {
  const app = await testApp({ SHARED_MEMORY_DIR: shared, MAX_BODY_BYTES: '2048' })
  const sample = (logits: object, rest = {}) =>
    app.inject({ method: 'POST', url: '/v1/sample', payload: { seed: 1, logits, ...rest } })
  const tensor = (name: string, shape: number[], offset = 0) => ({
    dtype: 'float32',
    shape,
    shared_memory: { name, offset },
  })

  it('are those in the request', async () => {
    const rows = [
      [1, 2, 3, 4],
      [4, 1, 0, 2],
    ]
    writeFileSync(file, Float32Array.from([9, ...rows.flat()]))
    const answer = await sample(tensor('numbers', [2, 4], 4))
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual((await sample(rows)).json())
  })

  it.each<[object, number, RegExp]>([
    [tensor('numbers', [5], 48), 422, /\/logits\/shared_memory: Expected a file of at least 68/],
    [tensor('../outside', [4]), 422, /\/logits\/shared_memory: Expected the name of a file/],
    [tensor('link', [4]), 422, /\/logits\/shared_memory: Cannot open "link"/],
    [tensor('numbers', [600]), 413, /2400 bytes, and the limit is 2048/],
    [tensor('numbers', [2 ** 50, 2 ** 50]), 413, /MAX_BODY_BYTES/],
    [tensor('numbers', [4], -1), 400, /\/logits\/shared_memory\/offset: Expected at least 0/],
    [{ ...tensor('numbers', [4]), data: 'AAAA' }, 400, /\/logits\/data: Unknown field/],
    [{ dtype: 'float32', shape: [4], shared_memory: 'numbers' }, 400, /\/logits\/shared_memory/],
  ])('%j is answered %d', async (logits, status, detail) => {
    const answer = await sample(logits)
    expect(answer.json().detail).toMatch(detail)
    expect(answer.statusCode).toBe(status)
  })

  it('that are NaN are an error at their place', async () => {
    writeFileSync(file, Float32Array.of(1, Number.NaN, 2))
    const answer = await sample(tensor('numbers', [3]))
    expect(answer.json()).toMatchObject({
      code: 'LOGITS_NOT_FINITE',
      detail:
        '/logits/shared_memory: Expected a number below +Infinity at row 0, index 1, got NaN as float32',
    })
  })
})

it('the command `kelvin sample` has no shared memory', () => {
  const logits = { dtype: 'float32', shape: [4], shared_memory: { name: 'numbers' } }
  expect(() => sampleHere({ logits })).toThrow(
    '/logits/shared_memory: Expected the logits themselves: only a server has shared memory',
  )
})
