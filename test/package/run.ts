import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { execute } from '../execute.ts'
import { type Server, startServer } from '../server.ts'

/**
 * npm run test:package: installs the packed server and client, each into an empty project, and runs them under each
 * supported Node. It downloads Nodes and dependencies from npm, so it is no part of npm test.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
const compiler = join(root, 'node_modules/.bin/tsc')
const projects = { server: join(folder, 'server'), client: join(folder, 'client') }

interface Where {
  cwd: string
  /** The first Node in PATH. */
  node?: string
}

async function run(command: string, args: string[], { cwd, node }: Where) {
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

/** Installs a Node of a release line from npm, outside the projects. */
async function installNode(version: number): Promise<string> {
  const cwd = join(folder, `node${version}`)
  mkdirSync(cwd)
  // The package of Node is installed by its script.
  writeFileSync(join(cwd, 'package.json'), '{"allowScripts":{"node":true}}')
  await succeed('npm', [...install, `node@${version}`], { cwd })
  return join(cwd, 'node_modules/node/bin/node')
}

/** A new project with this package and its dependencies. */
async function installPacked(cwd: string, ...workspace: string[]): Promise<void> {
  const pack = ['pack', '--json', '--pack-destination', folder, ...workspace]
  const packed = await succeed('npm', pack, { cwd: root })
  const filename = /"filename": "(.+)"/.exec(packed)![1]!
  mkdirSync(cwd)
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  await succeed('npm', [...install, join(folder, filename)], { cwd })
}

let server: Server
before(async () => {
  await installPacked(projects.server)
  await installPacked(projects.client, '--workspace=kelvin-client')
  server = await startServer({ SOCKET_PATH: socket })
})
after(async () => {
  await server.stop()
  rmSync(folder, { recursive: true })
})

const read = (path: string) => readFileSync(join(root, path), 'utf8')

describe('the client', () => {
  const cwd = projects.client
  const installed = (path: string) => join(cwd, 'node_modules/kelvin-client', path)

  it('brings undici and nothing else', async () => {
    const { dependencies } = JSON.parse(await succeed('npm', ['ls', '--all', '--json'], { cwd }))
    assert.deepEqual(Object.keys(dependencies), ['kelvin-client'])
    const below = dependencies['kelvin-client'].dependencies
    assert.deepEqual(Object.keys(below), ['undici'])
    assert.equal(below.undici.dependencies, undefined)
    const packages = readdirSync(join(cwd, 'node_modules')).filter((name) => !name.startsWith('.'))
    assert.deepEqual(packages, ['kelvin-client', 'undici'])
  })

  it('has its README and the licence', () => {
    const files = readdirSync(installed('.')).sort()
    assert.deepEqual(files, ['LICENSE', 'README.md', 'dist', 'package.json'])
    assert.equal(readFileSync(installed('LICENSE'), 'utf8'), read('LICENSE'))
  })

  it('asks for the same undici, and has the same version, as the server', () => {
    const [own, servers] = ['src/client/package.json', 'package.json'].map((path) =>
      JSON.parse(read(path)),
    )
    assert.equal(own.dependencies.undici, servers.dependencies.undici)
    assert.equal(own.version, servers.version)
  })

  it('has types that a strict project checks', async () => {
    cpSync(join(root, 'test/package/program.ts'), join(cwd, 'program.ts'))
    const readme = /```ts\n([\s\S]*?)```/.exec(read('src/client/README.md'))![1]!
    writeFileSync(join(cwd, 'readme.ts'), readme.replace('http://localhost:27315', server.url))
    const compilerOptions = {
      target: 'es2022',
      module: 'nodenext',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      types: [],
    }
    const include = ['program.ts', 'readme.ts']
    writeFileSync(join(cwd, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }))
    await succeed(compiler, [], { cwd })
    const wrong =
      "import { Kelvin } from 'kelvin-client'\nawait new Kelvin().sample([1], { temprature: 1 })\n"
    writeFileSync(join(cwd, 'wrong.ts'), wrong)
    const args = ['--ignoreConfig', '--noEmit', '--module', 'nodenext', 'wrong.ts']
    const { out, code } = await run(compiler, args, { cwd })
    assert.notEqual(code, 0)
    assert.match(out, /temprature/)
  })
})

describe('the server', () => {
  const cwd = projects.server
  const inPackage = join(cwd, 'node_modules/kelvin')

  it('has no types and no source, and nothing to import', async () => {
    const files = readdirSync(inPackage, { recursive: true, encoding: 'utf8' })
    // The playground's source is served; its types are stripped at that time.
    const sources = files.filter((file) => file.endsWith('.ts') && !file.includes('playground'))
    assert.deepEqual(sources, [])
    assert.equal(existsSync(join(cwd, 'node_modules/kelvin-client')), false)
    const program = "await import('kelvin/client')"
    const { error, code } = await run('node', ['--input-type=module', '-e', program], { cwd })
    assert.equal(code, 1)
    assert.match(error, /ERR_PACKAGE_PATH_NOT_EXPORTED/)
  })
})

const fiveLogits = '{"logits":[2,1,0.5,-1,-3],"temperature":0.8,"seed":42,"n":3}'

async function sample(url: string): Promise<number[]> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/v1/sample`, { method: 'POST', headers, body: fiveLogits })
  const { results } = (await response.json()) as { results: { token_ids: number[] }[] }
  return results[0]!.token_ids
}

for (const version of [22, 24, 26]) {
  describe(`Node ${version}`, () => {
    let node: string
    before(async () => {
      node = await installNode(version)
    })

    it('runs the client over TCP and a Unix socket', async () => {
      const over = (url: string) => succeed(node, ['program.js', url], { cwd: projects.client })
      const answer = await over(server.url)
      assert.match(answer, new RegExp(`^v${version}\\.`))
      assert.equal(await over(`unix:${socket}`), answer)
      const { sampled, story, problem } = JSON.parse(answer.slice(answer.indexOf('{')))
      assert.deepEqual(sampled, await sample(server.url))
      assert.equal(story.length, 4)
      assert.equal(problem, 'LOGITS_NOT_FINITE')
    })

    it('runs what the README of the client shows', async () => {
      const shown = await succeed(node, ['readme.js'], { cwd: projects.client })
      assert.match(shown, /^\[ 1 \]\n(\d+\n){20}$/)
    })

    if (version < 26) {
      it('prints that the server needs a later Node', async () => {
        const { error, code } = await run('npx', ['kelvin', 'serve'], {
          cwd: projects.server,
          node,
        })
        assert.equal(code, 1)
        assert.match(error, /needs Node 26 or later/)
      })
    } else {
      it('runs the command', async () => {
        const logits = join(projects.server, 'logits.json')
        writeFileSync(logits, fiveLogits)
        const where = { cwd: projects.server, node }
        const here = await succeed('npx', ['kelvin', 'sample', logits, '--json'], where)
        const { token_ids } = JSON.parse(here).results[0]
        assert.deepEqual(token_ids, await sample(server.url))
        const asked = ['kelvin', 'sample', logits, '--json', '--url', server.url]
        assert.deepEqual(
          JSON.parse(await succeed('npx', asked, where)).results[0].token_ids,
          token_ids,
        )
      })

      it('starts the server, which answers', async () => {
        const command = join(projects.server, 'node_modules/.bin/kelvin')
        const PATH = `${dirname(node)}:${process.env.PATH}`
        const packaged = await startServer({ PATH }, [command, 'serve'])
        const own = await sample(packaged.url)
        const page = await fetch(`${packaged.url}/playground/main.js`)
        assert.equal(await packaged.stop(), 0)
        assert.deepEqual(own, await sample(server.url))
        assert.equal(page.status, 200)
      })
    }
  })
}
