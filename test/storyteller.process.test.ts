import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execute } from './execute.ts'
import { type Server, startServer } from './server.ts'

/** The weights are not in the repository. MODELS is the folder of stories260K.bin and tok512.bin. */
const models = process.env.MODELS ?? fileURLToPath(new URL('../../shared/models', import.meta.url))
const checkpoint = join(models, 'stories260K.bin')
const tokenizer = join(models, 'tok512.bin')

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
const shared = join(folder, 'shared')
mkdirSync(shared)

let server: Server
beforeAll(async () => {
  server = await startServer({ SOCKET_PATH: socket, SHARED_MEMORY_DIR: shared })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

async function story(...args: string[]) {
  const command = ['npm', 'run', '--silent', 'story', '--', ...args]
  const { stdout: out, stderr: error, status } = await execute(command, { cwd: root })
  return { out, error, status }
}

/** What the own model writes at temperature 0. */
const TALE =
  'Once upon a time there was a king who had a daughter who was a queen, and a queen, and a queen, and a queen, and a queen, and a queen, and a queen, and her mother, and her'

const known =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park.'

describe.skipIf(!existsSync(checkpoint))('the storyteller with a model of llama2.c', () => {
  const tell = (url: string, ...args: string[]) =>
    story(checkpoint, '--tokenizer', tokenizer, '--url', url, ...args)

  it('tells the known story at temperature 0', async () => {
    const { out, error, status } = await tell(server.url, '--temperature', '0', '--steps', '60')
    expect(status).toBe(0)
    expect(out.slice(0, known.length)).toBe(known)
    expect(error).toMatch(
      /^60 tokens, \d+ tokens\/s \(model [\d.]+ ms, Kelvin [\d.]+ ms a token\), seed \d+\n$/,
    )
  })

  it('tells the same story for the same seed, in every protocol', async () => {
    const asked = ['--seed', '18446744073709551615', '--temperature', '1.1', '--top-p', '0.95']
    const more = ['--repetition-penalty', '1.1', '--profile', 'llama.cpp', '--steps', '80']
    const prompt = ['--prompt', 'The dragon']
    const ways = [
      [server.url],
      [server.url],
      [server.url, '--wire', 'json'],
      [`unix:${socket}`],
      [`unix:${socket}`, '--wire', 'json'],
      [`unix:${socket}`, '--shared-memory', shared],
    ] as [string, ...string[]][]
    const stories: string[] = []
    for (const [url, ...way] of ways) {
      const { out, status } = await tell(url, ...asked, ...more, ...prompt, ...way)
      expect(status).toBe(0)
      stories.push(out)
    }
    expect(new Set(stories).size).toBe(1)
    expect(stories[0]).toMatch(/^The dragon /)
    const other = await tell(server.url, ...prompt, '--seed', '1', '--steps', '80')
    expect(other.out).not.toBe(stories[0])
  })

  it('prints errors', async () => {
    const faulty = await tell(server.url, '--temperature', '-1')
    expect(faulty).toMatchObject({ status: 1, out: '' })
    expect(faulty.error).toMatch(/^\n?\/temperature: .*-1\n$/)
    expect(await tell('unix:/nowhere.sock')).toMatchObject({
      status: 1,
      error: expect.stringMatching(/Cannot reach unix:\/nowhere\.sock/),
    })
  })
})

describe('the storyteller', () => {
  it('tells a tale with Kelvin’s own model, the same one at temperature 0', async () => {
    const asked = ['--url', server.url, '--temperature', '0', '--steps', '40']
    const { out, error, status } = await story(...asked)
    expect({ error: error.replace(/[\d.]+/g, '#'), status }).toEqual({
      error: '# tokens, # tokens/s (model # ms, Kelvin # ms a token), seed #\n',
      status: 0,
    })
    expect(out.trimEnd()).toBe(TALE)
  })

  it('says which file of a model is wrong', async () => {
    const short = join(folder, 'short.bin')
    writeFileSync(short, Buffer.alloc(100, 1))
    expect(await story(short)).toMatchObject({
      status: 1,
      error: expect.stringMatching(/short\.bin: .*checkpoint/),
    })
    expect(await story(join(folder, 'none.bin'))).toMatchObject({
      status: 1,
      error: expect.stringMatching(/no such file/),
    })
    expect(await story('--prompt')).toMatchObject({
      status: 2,
      out: '',
      error: expect.stringMatching(/^Usage/),
    })
  })
})
