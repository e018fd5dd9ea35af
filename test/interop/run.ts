import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startServers } from '../refusals/servers.ts'
import { startServer } from '../server.ts'

/**
 * npm run test:interop: published clients of the Open Inference Protocol, other HTTP clients and proxies run against a
 * real server. Arguments after `--` go to unittest.
 */

const tests = fileURLToPath(new URL('.', import.meta.url))
const cache = fileURLToPath(new URL('../../node_modules/.cache/interop', import.meta.url))
const requirements = `${tests}requirements.txt`

/** Runs a command. With spawnSync, nobody would read the server's log, and the server would stop at a full pipe. */
async function run(command: string, args: string[], environment: Record<string, string> = {}) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
  const [code] = await once(child, 'exit')
  return (code as number | null) ?? 1
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

/** The Python of an environment with the clients. The environment is made again if requirements or Python change. */
async function installClients(): Promise<string> {
  const about = 'import sys, venv, ensurepip; print(sys.version, sys.executable)'
  const { status, stdout } = spawnSync('python3', ['-c', about], { encoding: 'utf8' })
  if (status !== 0)
    fail('The interop tests want python3 with venv (Debian: apt install python3-venv)')
  const key = createHash('sha256').update(stdout).update(readFileSync(requirements)).digest('hex')
  const home = `${cache}/${key.slice(0, 16)}`
  const python = `${home}/bin/python`
  // Written last, so that an aborted installation does not count.
  const complete = `${home}/complete`
  if (existsSync(complete)) return python
  console.log('Installing the clients')
  rmSync(cache, { recursive: true, force: true })
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--disable-pip-version-check']
  if ((await run('python3', ['-m', 'venv', home])) !== 0)
    fail('No virtual environment could be made')
  if ((await run(python, [...pip, '-r', requirements])) !== 0)
    fail('The clients could not be installed')
  writeFileSync(complete, '')
  return python
}

const python = await installClients()
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
const server = await startServer({ SOCKET_PATH: socket, SHARED_MEMORY_DIR: '/dev/shm' })
const refusing = await startServers()
const refusingUrls = Object.entries(refusing.servers).map(([name, { url }]) => [name, url])
const code = await run(
  python,
  ['-m', 'unittest', 'discover', '-s', tests, ...process.argv.slice(2)],
  // Keeps bytecode out of the repository.
  {
    KELVIN_URL: server.url,
    KELVIN_SOCKET: socket,
    KELVIN_REFUSING: JSON.stringify(Object.fromEntries(refusingUrls)),
    PYTHONPYCACHEPREFIX: `${cache}/bytecode`,
  },
).finally(async () => {
  await server.stop()
  await refusing.stop()
  rmSync(folder, { recursive: true })
})
for (const line of server.lines) if (/"level":[56]0/.test(line)) console.error(line)
process.exitCode = code
