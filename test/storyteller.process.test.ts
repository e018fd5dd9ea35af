import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCheckpoint } from '../examples/storyteller/checkpoint.ts'
import { loadModel } from '../examples/storyteller/model.ts'
import { readTokenizer } from '../examples/storyteller/tokenizer.ts'
import { execute } from './execute.ts'
import { readRow } from './golden/read.ts'
import { type Server, startServer } from './server.ts'

/** The weights are not in the repository. MODELS is the folder of stories260K.bin and tok512.bin. */
const models = process.env.MODELS ?? fileURLToPath(new URL('../../shared/models', import.meta.url))
const checkpoint = join(models, 'stories260K.bin')
const tokenizer = join(models, 'tok512.bin')

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')

let server: Server
beforeAll(async () => {
  server = await startServer({ SOCKET_PATH: socket })
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

const known =
  'Once upon a time, there was a little girl named Lily. She loved to play outside in the park.'

describe.skipIf(!existsSync(checkpoint))('the storyteller', () => {
  it('has the model’s logits', () => {
    const weights = readCheckpoint(checkpoint)
    const forward = loadModel(weights)
    const tokens = readTokenizer(tokenizer, weights.vocabSize).encode(
      'Once upon a time, there was a',
    )
    let logits = new Float32Array()
    for (const [position, token] of tokens.entries()) logits = forward(token, position).slice()
    const expected = readRow({ file: 'stories260k', row: 8 })
    for (const [id, logit] of logits.entries()) expect(logit).toBeCloseTo(expected[id]!, 4)
  })

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

it('the storyteller needs a checkpoint', async () => {
  expect(await story()).toMatchObject({
    status: 2,
    out: '',
    error: expect.stringMatching(/^Usage/),
  })
  const short = join(folder, 'short.bin')
  writeFileSync(short, Buffer.alloc(100, 1))
  expect(await story(short)).toMatchObject({
    status: 1,
    error: expect.stringContaining('short.bin'),
  })
  expect(await story(join(folder, 'none.bin'))).toMatchObject({
    status: 1,
    error: expect.stringMatching(/no such file/),
  })
})
