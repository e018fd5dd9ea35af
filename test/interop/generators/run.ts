import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServer } from '../../server.ts'

/**
 * npm run test:generators: public generators make clients of the OpenAPI document, which run against a real server.
 * Spectral and Schemathesis check the document. Everything runs in a copy of this folder, which keeps installed
 * packages.
 */

const source = fileURLToPath(new URL('.', import.meta.url))
const work = fileURLToPath(new URL('../../../node_modules/.cache/generators', import.meta.url))
const bin = `${work}/venv/bin`

const page = readFileSync(new URL('../../../docs/client.md', import.meta.url), 'utf8')

/** The arguments of a generator in docs/client.md, with the document in the parent folder. */
function argumentsFor(generator: string): string[] {
  const [, given] = new RegExp(`\`${generator} ([^\`]*)\``).exec(page)!
  return given!.replace('openapi.json', '../openapi.json').split(' ')
}

/** The time for Schemathesis: examples and coverage, then a minute of fuzzing. */
const SCHEMATHESIS_SECONDS = 80

const timings: string[] = []

/** Runs a command to its end. Prints its output if it fails. */
async function run(
  folder: string,
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<void> {
  const child = spawn(command, args, {
    cwd: `${work}/${folder}`,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}\n${said}`)
}

/** Prints the time that it took, and its error. */
async function timed(name: string, work: () => Promise<void>): Promise<boolean> {
  const started = performance.now()
  const error = await work().then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  timings.push(`${name}: ${error ? 'failed' : 'ok'} after ${seconds} s`)
  if (error) console.error(`${name}\n${error.message}`)
  return error === undefined
}

async function install(...what: string[]): Promise<void> {
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--disable-pip-version-check']
  await run('.', `${bin}/python`, [...pip, ...what])
}

/** The longest begins first. */
async function installSchemathesis(): Promise<void> {
  if (!existsSync(`${bin}/python`)) await run('.', 'python3', ['-m', 'venv', 'venv'])
  await install('-c', 'requirements.txt', 'schemathesis')
}

mkdirSync(work, { recursive: true })
for (const folder of ['typescript', 'python', 'go', 'java']) {
  rmSync(`${work}/${folder}`, { recursive: true, force: true })
}
cpSync(source, work, { recursive: true })

const server = await startServer()
const shared = mkdtempSync(join(tmpdir(), 'kelvin-'))
const fuzzed = await startServer({ SHARED_MEMORY_DIR: shared })
const environment = { KELVIN_URL: server.url }
const document = await fetch(`${server.url}/openapi.json`)
writeFileSync(`${work}/openapi.json`, await document.text())

const schemathesis = installSchemathesis()
const npm = run('.', 'npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'])

const passed = await Promise.all([
  timed('openapi-typescript and openapi-fetch', async () => {
    await npm
    await run('typescript', 'npx', [
      'openapi-typescript',
      ...argumentsFor('npx openapi-typescript'),
    ])
    await run('.', 'npm', ['run', 'compile'])
    await run('typescript', 'node', ['built/client.js'], environment)
  }),
  timed('Spectral', async () => {
    await npm
    await run('.', 'npm', ['run', 'lint'])
  }),
  timed('openapi-python-client', async () => {
    await schemathesis
    await install('-r', 'requirements.txt')
    const given = [...argumentsFor('openapi-python-client'), '--fail-on-warning']
    // The generator calls ruff, which is in the same environment.
    const path = { PATH: `${bin}:${process.env.PATH}` }
    await run('python', `${bin}/openapi-python-client`, given, path)
    await run('python', `${bin}/python`, ['client.py'], environment)
  }),
  timed('oapi-codegen', async () => {
    mkdirSync(`${work}/go/kelvin`)
    await run('go', 'go', ['tool', 'oapi-codegen', ...argumentsFor('oapi-codegen')])
    await run('go', 'go', ['run', '.'], environment)
  }),
  // Maven runs the generator, with the same option.
  timed('openapi-generator', async () => {
    await run('java', 'mvn', ['--batch-mode', '--quiet', 'compile', 'exec:java'], environment)
  }),
  timed('Schemathesis', async () => {
    await schemathesis
    const settings = ['--config-file', 'schemathesis.toml', 'run', `${fuzzed.url}/openapi.json`]
    const phases = ['--phases', 'examples,coverage,fuzzing', '--checks', 'all']
    const bounds = ['--max-time', String(SCHEMATHESIS_SECONDS), '--seed', '1', '--no-color']
    const state = ['--generation-database', 'none', '--continue-on-failure']
    await run('.', `${bin}/st`, [...settings, ...phases, ...bounds, ...state])
  }),
]).finally(async () => {
  await Promise.all([server.stop(), fuzzed.stop()])
  rmSync(shared, { recursive: true })
})
for (const line of timings) console.log(line)
for (const { lines } of [server, fuzzed]) {
  for (const line of lines) if (/"level":"(error|fatal)"/.test(line)) console.error(line)
}
process.exitCode = passed.every(Boolean) ? 0 : 1
