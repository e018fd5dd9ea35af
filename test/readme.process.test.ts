import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readRow } from './golden/read.ts'
import { blocksOf, commands, pages } from './pages.ts'
import { type Server, startServer } from './server.ts'

/** Runs every command of the README and docs/, and compares what it prints with the page. */

const root = new URL('..', import.meta.url).pathname
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

const texts = [
  ...pages.map(({ text }) => text),
  ...['CONTRIBUTING.md', 'bench/README.md', 'deploy/README.md', 'src/README.md'].map((path) =>
    readFileSync(join(root, path), 'utf8'),
  ),
]

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
let server: Server
beforeAll(async () => {
  // The first token is the likely one.
  writeFileSync(join(folder, 'model-7f3a9c'), new Float32Array(128_256).with(0, 100))
  server = await startServer({ SOCKET_PATH: socket, SHARED_MEMORY_DIR: folder })
})
afterAll(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

function shell(command: string) {
  return spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' })
}

const isRequest = ({ command }: { command: string }) => command.startsWith('curl ')

describe('requests', () => {
  it.each(commands.filter(isRequest))('$path: $command', ({ command, printed }) => {
    const here = command
      .replaceAll('http://localhost:27315', server.url)
      .replaceAll('/tmp/kelvin.sock', socket)
    const { stdout, status } = shell(here)
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toEqual(JSON.parse(printed!))
  })
})

describe('other commands', () => {
  it('are these, and each is run by a test', () => {
    const others = commands.filter((one) => !isRequest(one))
    expect(others.map(({ path, command }) => [path, command])).toEqual([
      ['README.md', 'npm ci && npm start'], // what it runs: startServer, here and in process.test.ts
      ['README.md', 'docker compose up --build'], // docker.test.ts, where there is an engine
      [
        'docs/command.md',
        'npx kelvin sample examples/story.json --temperature 0.7 --top-p 0.9 --n 1 --trace', // below
      ],
      ['docs/command.md', 'npx kelvin serve --port 8080'], // cli/kelvin.test.ts
      ['docs/operations.md', 'SOCKET_PATH=/tmp/kelvin.sock PORT=none npm start'], // socket.test.ts
      ['docs/shared-memory.md', 'SHARED_MEMORY_DIR=/dev/shm npm start'], // shared-memory/regions.test.ts
    ])
    expect(manifest.scripts.start).toBe(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell expands it
      'NODE_COMPILE_CACHE=${NODE_COMPILE_CACHE:-.cache} exec node src/server.ts',
    )
  })

  it('name scripts that exist', () => {
    const named = texts.flatMap((text) => [...text.matchAll(/npm run (?:-s )?([\w:-]+)/g)])
    expect(named.length).toBeGreaterThan(5)
    expect(Object.keys(manifest.scripts)).toEqual(
      expect.arrayContaining(named.map(([, script]) => script)),
    )
  })

  it('npx kelvin sample', () => {
    const { command, printed } = commands.find(({ command }) =>
      command.startsWith('npx kelvin sample'),
    )!
    expect(shell(command).stdout).toBe(printed)
  })

  it('npm start -- --help', () => {
    const { stdout, status } = shell('npm start -- --help')
    expect(status).toBe(0)
    expect(stdout).toContain('MAX_BODY_BYTES')
  })
})

describe('the TypeScript runs as shown', () => {
  const programs = blocksOf('ts')

  function run(program: string) {
    // Within the package, because the program imports it by name.
    const file = join(root, 'test/artefacts/readme.ts')
    mkdirSync(dirname(file), { recursive: true })
    const here = program
      .replaceAll('http://localhost:27315', server.url)
      .replaceAll('/run/kelvin/kelvin.sock', socket)
      .replaceAll('/run/logits', folder)
    writeFileSync(file, here)
    const { stdout, stderr } = shell(`node --conditions=kelvin-source ${file}`)
    rmSync(file)
    expect(stderr).toBe('')
    const printed = /console\.log\(token_ids\) \/\/ (.*)/.exec(program)![1]
    expect(stdout.split('\n')[0]).toBe(printed)
    return stdout
  }

  it('over a socket', () => {
    expect(run(programs[0]!.block)).toMatch(/^(.*\n)((\d+ ){20})$/)
  })

  it.each(programs.slice(1).map(({ block }) => block))('with shared memory', (program) => {
    run(program)
  })
})

it('the real row is from the model', () => {
  const { logits } = JSON.parse(
    readFileSync(new URL('../examples/story.json', import.meta.url), 'utf8'),
  )
  expect(Float32Array.from(logits)).toEqual(readRow({ file: 'stories260k', row: 8 }))
})

it('Node versions are the same everywhere', () => {
  const read = (path: string) => readFileSync(join(root, path), 'utf8')
  const server = read('.node-version').trim()
  const { engines } = JSON.parse(read('src/client/package.json'))
  const client = engines.node.replace('>=', '')
  expect(manifest.engines.node).toBe(`>=${server}`)
  expect(read('README.md')).toMatch(
    new RegExp(`kelvin\` \\| ${server} or later.*\\n.*\\n.* \\| ${client} or later`),
  )
  expect(read('docs/client.md')).toContain(`needs Node ${client} or later`)
  expect(read('docs/command.md')).toContain(`[Node ${server}](`)
  expect(read('bin/kelvin.js')).toContain(`NEEDED_NODE = ${server}\n`)
  expect(read('Dockerfile')).toContain(`FROM node:${server}-`)
})

it('the README has at most 200 lines', () => {
  expect(pages[0]!.text.split('\n').length).toBeLessThanOrEqual(201)
})
