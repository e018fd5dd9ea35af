import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ask, halfSent, open } from '../http.ts'
import { starter } from '../server.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
chmodSync(folder, 0o755)
afterAll(() => rmSync(folder, { recursive: true }))
const startOne = starter(afterAll)

let sockets = 0
const newPath = () => join(folder, `${++sockets}.sock`)

const start = (path: string, environment: Record<string, string> = {}) =>
  startOne({ SOCKET_PATH: path, ...environment })

/** Runs a server that should not start. */
function run(path: string, environment: Record<string, string> = {}) {
  return spawnSync('node', ['src/server.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PORT: 'none', SOCKET_PATH: path, ...environment },
    timeout: 20_000,
  })
}

function healthcheck(environment: Record<string, string>) {
  const env = { ...process.env, ...environment }
  return spawnSync('node', ['src/healthcheck.ts'], { cwd: root, env }).status
}

const permissions = (path: string) => (statSync(path).mode & 0o777).toString(8)

const sample = JSON.stringify({ logits: [2, 1, 0.5], seed: 42 })

describe('a Unix socket', () => {
  it('answers as TCP does, together with it', async () => {
    const path = newPath()
    const server = await start(path)
    const overTcp = await ask(server.where, '/v1/sample', sample)
    expect(overTcp.status).toBe(200)
    expect(await ask({ path }, '/v1/sample', sample)).toEqual(overTcp)
    const listening = server.lines.filter((line) => line.includes('Server listening at'))
    expect(listening.length).toBe(2)
    expect(listening[1]).toContain(path)
  })

  it('answers instead of TCP', async () => {
    const path = newPath()
    const server = await start(path, { PORT: 'none' })
    expect(server.url).toBe(path)
    expect((await ask({ path }, '/readyz')).status).toBe(200)
    expect(server.lines.filter((line) => line.includes('Server listening at')).length).toBe(1)
  })

  it('is not opened if its variable is empty', async () => {
    const server = await start('')
    expect(server.url).toMatch(/^http:/)
    expect(server.lines.length).toBe(1)
  })

  it('is checked by the health check', async () => {
    const path = newPath()
    const environment = { PORT: 'none', SOCKET_PATH: path }
    const server = await startOne(environment)
    expect(healthcheck(environment)).toBe(0)
    expect(healthcheck({ ...environment, PORT: '1' })).toBe(1)
    await server.stop()
    expect(healthcheck(environment)).toBe(1)
  })

  it('is removed when the server ends', async () => {
    const path = newPath()
    const server = await startOne({ SOCKET_PATH: path })
    expect(existsSync(path)).toBe(true)
    expect(await server.stop()).toBe(0)
    expect(existsSync(path)).toBe(false)
  })
})

describe.each(['TCP and a socket', 'only a socket'])('the HTTP server on %s', (which) => {
  const environment: Record<string, string> = which.startsWith('TCP') ? {} : { PORT: 'none' }

  it('has the same limits', async () => {
    const path = newPath()
    await start(path, { ...environment, MAX_BODY_BYTES: '1024' })
    const large = JSON.stringify({ logits: Array(1000).fill(1) })
    expect((await ask({ path }, '/v1/sample', large)).status).toBe(413)
    const connection = await open({ path })
    connection.socket.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`)
    await connection.closed
    expect(connection.answer).toMatch(/^HTTP\/1.1 431 /)
    expect(connection.answer).toContain('HEADERS_TOO_LARGE')
  })

  it('has the same timeout', async () => {
    const path = newPath()
    await start(path, { ...environment, REQUEST_TIMEOUT_MS: '1000' })
    const connection = await halfSent({ path })
    await connection.closed
    expect(connection.answer).toMatch(/^HTTP\/1.1 408 /)
  })

  it('finishes requests under way on SIGTERM, ends idle connections, and exits 0', async () => {
    const path = newPath()
    const server = await startOne({ SOCKET_PATH: path, ...environment })
    const underWay = await Promise.all([halfSent({ path }), halfSent(server.where)])
    const fresh = await open({ path })
    const idle = await open({ path })
    idle.socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(idle.socket, 'data')
    const ended = server.stop()
    await Promise.all([idle.closed, fresh.closed])
    expect(server.process.exitCode).toBeNull()
    await expect.poll(() => existsSync(path)).toBe(false)
    for (const { socket, rest } of underWay) socket.write(rest)
    expect(await ended).toBe(0)
    for (const { answer } of underWay) {
      expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
      expect(answer).toContain('"seed":"1"')
    }
  })
})

describe('a file at the path of the socket', () => {
  it('is replaced if a crash left it', async () => {
    const path = newPath()
    const crashed = await startOne({ SOCKET_PATH: path })
    crashed.process.kill('SIGKILL')
    await once(crashed.process, 'exit')
    expect(lstatSync(path).isSocket()).toBe(true)
    await start(path)
    expect((await ask({ path }, '/readyz')).status).toBe(200)
  })

  it('is kept if a server answers on it', async () => {
    const path = newPath()
    await start(path)
    const { status, stderr } = run(path)
    expect(status).toBe(1)
    expect(stderr).toContain(`SOCKET_PATH=${path}: Another process listens on it`)
    expect((await ask({ path }, '/readyz')).status).toBe(200)
  })

  it('is kept if it is not a socket', () => {
    const path = newPath()
    writeFileSync(path, 'precious')
    const { status, stderr } = run(path)
    expect(status).toBe(1)
    expect(stderr).toContain(`SOCKET_PATH=${path}: The file at this path is not a socket`)
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })

  it('must have a directory', () => {
    const { status, stderr } = run(join(folder, 'nowhere', 'kelvin.sock'))
    expect(status).toBe(1)
    expect(stderr).toContain('Its directory does not exist')
  })

  it('is needed if there is no port', () => {
    const { status, stderr } = run('', { LOG_LEVEL: 'loud' })
    expect(status).toBe(1)
    expect(stderr).toContain('PORT=none: There is no port and no socket')
    expect(stderr).toContain('LOG_LEVEL=loud')
  })
})

/** Runs a command as a user in one group. */
function runAs(id: number, command: string[], environment: Record<string, string> = {}) {
  const identity = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups']
  return spawnSync('setpriv', [...identity, ...command], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    timeout: 20_000,
  })
}

/** Whether this runs as root, with files that other users can read. */
const asOthers = it.runIf(runAs(65534, ['node', 'src/server.ts', '--help']).status === 0)

/** The exit code of curl. 7 means that it cannot connect. */
function curlAs(id: number, path: string) {
  return runAs(id, ['curl', '-s', '--unix-socket', path, 'http://localhost/readyz']).status
}

describe('the permission to connect', () => {
  it('is everyone’s by default, or set by the mode', async () => {
    const [open, closed] = [newPath(), newPath()]
    await Promise.all([start(open), start(closed, { SOCKET_MODE: '0600' })])
    expect(permissions(open)).toBe('666')
    expect(permissions(closed)).toBe('600')
  })

  asOthers('is another user', async () => {
    const path = newPath()
    await start(path)
    expect(curlAs(65534, path)).toBe(0)
  })

  asOthers('is a group and nobody else', async () => {
    const path = newPath()
    await start(path, { SOCKET_MODE: '660', SOCKET_GROUP: '65534' })
    expect(permissions(path)).toBe('660')
    expect(statSync(path).gid).toBe(65534)
    expect(curlAs(65534, path)).toBe(0)
    expect(curlAs(65533, path)).toBe(7)
  })

  asOthers('is nobody where the group cannot be given', () => {
    const theirs = mkdtempSync(join(folder, 'theirs-'))
    chownSync(theirs, 65534, 65534)
    const path = join(theirs, 'kelvin.sock')
    const { status, stdout } = runAs(65534, ['node', 'src/server.ts'], {
      PORT: 'none',
      SOCKET_PATH: path,
      SOCKET_GROUP: '0',
    })
    expect(status).toBe(1)
    expect(stdout).toContain('EPERM')
    expect(existsSync(path)).toBe(false)
  })

  it.each(['1', '2'])('never exceeds the mode, with WORKERS=%s', async (WORKERS) => {
    const path = newPath()
    const seen = new Set<string>()
    let started = false
    const starting = start(path, { SOCKET_MODE: '660', WORKERS }).then(() => {
      started = true
    })
    while (!started) {
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (stat) seen.add((stat.mode & 0o777).toString(8))
      await new Promise(setImmediate)
    }
    await starting
    expect(permissions(path)).toBe('660')
    expect([...seen].filter((mode) => mode !== '600' && mode !== '660')).toEqual([])
  })
})
