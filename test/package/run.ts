import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { execute } from '../execute.ts'
import { type Server, startServer } from '../server.ts'

/**
 * npm run test:package: what npm pack makes, installed into an empty project, under each Node that it is for.
 * It asks npm for Nodes and dependencies, so it is no part of npm test.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = fileURLToPath(new URL('program.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
const project = join(folder, 'project')
const compiler = join(root, 'node_modules/.bin/tsc')

async function run(command: string, args: string[], { cwd = project, node = '' } = {}) {
  const PATH = node ? `${dirname(node)}:${process.env.PATH}` : process.env.PATH
  const options = { cwd, env: { ...process.env, PATH } }
  const { stdout: out, stderr: error, status: code } = await execute([command, ...args], options)
  return { out, error, code }
}

async function succeed(...args: Parameters<typeof run>): Promise<string> {
  const { out, error, code } = await run(...args)
  assert.equal(code, 0, `${args[0]} ${args[1].join(' ')}\n${out}${error}`)
  return out
}

const install = ['install', '--no-audit', '--no-fund', '--loglevel=error']

/** A Node of a release line, from npm, outside of the project. */
async function installNode(version: number): Promise<string> {
  const cwd = join(folder, `node${version}`)
  mkdirSync(cwd)
  // To install a Node is to run a script of it.
  writeFileSync(join(cwd, 'package.json'), '{"allowScripts":{"node":true}}')
  await succeed('npm', [...install, `node@${version}`], { cwd })
  return join(cwd, 'node_modules/node/bin/node')
}

let server: Server
before(async () => {
  mkdirSync(project)
  const packed = await succeed('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[\n')))
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  await succeed('npm', [...install, join(folder, filename)])
  cpSync(program, join(project, 'program.ts'))
  server = await startServer({ SOCKET_PATH: socket })
})
after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

it('its types are those of a strict project', async () => {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    types: [],
  }
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['program.ts'] }),
  )
  await succeed(compiler, [])
  const wrong =
    "import { Kelvin } from 'kelvin/client'\nawait new Kelvin().sample([1], { temprature: 1 })\n"
  writeFileSync(join(project, 'wrong.ts'), wrong)
  const { out, code } = await run(compiler, [
    '--ignoreConfig',
    '--noEmit',
    '--module',
    'nodenext',
    'wrong.ts',
  ])
  assert.notEqual(code, 0)
  assert.match(out, /temprature/)
  rmSync(join(project, 'wrong.ts'))
})

for (const version of [22, 24, 26]) {
  describe(`Node ${version}`, () => {
    let node: string
    before(async () => {
      node = await installNode(version)
    })

    it('runs the client over TCP and a Unix socket', async () => {
      const over = (url: string) => succeed(node, ['program.js', url])
      const answer = await over(server.url)
      assert.match(answer, new RegExp(`^v${version}\\.`))
      assert.equal(await over(`unix:${socket}`), answer)
      const { sampled, story, problem } = JSON.parse(answer.slice(answer.indexOf('{')))
      const response = await fetch(`${server.url}/v1/sample`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"logits":[2,1,0.5,-1,-3],"temperature":0.8,"seed":42,"n":3}',
      })
      const { results } = (await response.json()) as { results: { token_ids: number[] }[] }
      assert.deepEqual(sampled, results[0]!.token_ids)
      assert.equal(story.length, 4)
      assert.equal(problem, 'LOGITS_NOT_FINITE')
    })

    it(version < 26 ? 'tells that the command needs a later one' : 'runs the command', async () => {
      const logits = join(project, 'logits.json')
      writeFileSync(logits, '[2,1,0.5,-1,-3]')
      const args = ['kelvin', 'sample', logits, '--seed', '42', '--json']
      const { out, error, code } = await run('npx', args, { node })
      if (version < 26) {
        assert.equal(code, 1)
        assert.match(error, /needs Node 26 or later/)
      } else {
        assert.equal(code, 0, error)
        assert.deepEqual(JSON.parse(out).results[0].seed, '42')
      }
    })
  })
}
