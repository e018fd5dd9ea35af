import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRow } from './golden/read.ts'
import { type Server, startServer } from './server.ts'

/** Every command of the README is run, and what it says it answers is what comes. */

const root = new URL('..', import.meta.url).pathname
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

const blocks = [...readme.matchAll(/```sh\n([\s\S]*?)```\n(?:\n```json\n([\s\S]*?)```)?/g)].map(
  ([, command, answer]) => ({ command: command!.trim(), answer: answer?.trim() }),
)

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

function shell(command: string) {
  return spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' })
}

const requests = blocks.filter(({ command }) => command.startsWith('curl '))

describe('requests', () => {
  it.each(requests)('$command', ({ command, answer }) => {
    const here = command
      .replaceAll('http://localhost:27315', server.url)
      .replaceAll('/tmp/kelvin.sock', socket)
    const { stdout, status } = shell(here)
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(answer!))
  })
})

describe('other commands', () => {
  it('are these, each of which a test runs', () => {
    const others = blocks.map(({ command }) => command).filter((c) => !c.startsWith('curl '))
    expect(others).toEqual([
      'npm ci && npm start', // what it runs: startServer, here and in process.test.ts
      'npm ci && npm test', // what runs this
      'npx kelvin sample examples/story.json --temperature 0.7 --top-p 0.9 --n 1 --trace', // below
      'SOCKET_PATH=/tmp/kelvin.sock PORT=none npm start', // socket.test.ts
      'docker compose up --build', // docker.test.ts, where there is an engine
    ])
    expect(manifest.scripts.start).toBe('exec node src/server.ts')
  })

  it('npx kelvin sample', () => {
    const command = blocks.find(({ command }) => command.startsWith('npx kelvin sample'))!.command
    const shown = new RegExp(`${command}\n\`\`\`\n\n\`\`\`\n([\\s\\S]*?)\`\`\``).exec(readme)![1]
    expect(shell(command).stdout).toBe(shown)
  })

  it('npm start -- --help', () => {
    const { stdout, status } = shell('npm start -- --help')
    expect(status).toBe(0)
    expect(stdout).toContain('MAX_BODY_BYTES')
  })
})

it('the TypeScript runs as it is written', () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readme)![1]!
  // Within the package, whose name it imports.
  const file = join(root, 'test/artefacts/readme.ts')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, program.replace('http://localhost:27315', server.url))
  const { stdout, stderr } = shell(`node --conditions=kelvin-source ${file}`)
  rmSync(file)
  const printed = /console\.log\(token_ids\) \/\/ (.*)/.exec(program)![1]
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^(.*\n)((\d+ ){20})$/)
  expect(stdout.split('\n')[0]).toBe(printed)
})

it('the real row is that of the model', () => {
  const { logits } = JSON.parse(
    readFileSync(new URL('../examples/story.json', import.meta.url), 'utf8'),
  )
  expect(Float32Array.from(logits)).toEqual(readRow({ file: 'stories260k', row: 8 }))
})

it('names no file that is not there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:|#)([^)]+)\)/g)].map(([, path]) => path!)
  for (const path of links) {
    expect(() => readFileSync(new URL(`../${path}`, import.meta.url))).not.toThrow()
  }
})

it('points to no section that is not there', () => {
  const sections = [...readme.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^a-z0-9 ]/g, '')
      .replaceAll(' ', '-'),
  )
  const anchors = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!)
  expect(anchors.length).toBeGreaterThan(0)
  for (const anchor of anchors) expect(sections).toContain(anchor)
})
