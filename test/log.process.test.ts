import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { ask, open } from './http.ts'

const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A server whose log goes to `stdout`. It listens on a socket, because the log is not read for its port. */
async function start(name: string, stdout: 'pipe' | number, environment = {}) {
  const path = join(folder, name)
  const child = spawn('node', ['src/server.ts'], {
    env: { ...process.env, PORT: 'none', SOCKET_PATH: path, ...environment },
    stdio: ['ignore', stdout, 'inherit'],
  })
  const where = { path }
  const isUp = () =>
    ask(where, '/livez').then(
      ({ status }) => status,
      () => 0,
    )
  await expect.poll(isUp, { timeout: 10_000 }).toBe(200)
  return { child, where }
}

/** Sends SIGTERM and returns the exit code: 1 if the server did not end before SHUTDOWN_TIMEOUT_MS. */
async function end(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code
}

interface Line {
  level: string
  msg: string
  url?: string
  lines?: number
}

const parse = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

async function dropped(where: { path: string }): Promise<number> {
  const { body } = await ask(where, '/metrics')
  return Number(/^kelvin_log_lines_dropped_total (\d+)$/m.exec(body)![1])
}

/** Sends `count` requests on one connection. By default their log lines of 400 bytes fill a pipe and the buffer of the log. */
async function fill(where: { path: string }, count = 4000) {
  const connection = await open(where)
  const request = (more = '') =>
    `GET /fill/${'x'.repeat(300)}?logprob_token_ids=7 HTTP/1.1\r\nhost: x\r\n${more}\r\n`
  connection.socket.write(request().repeat(count - 1) + request('connection: close\r\n'))
  await connection.closed
  expect(connection.answer.match(/HTTP\/1.1 404 Not Found/g)).toHaveLength(count)
}

/** A FIFO that is also open for reading, but never read. */
function fifo(name: string): number {
  const path = join(folder, name)
  execFileSync('mkfifo', [path])
  return openSync(path, 'r+')
}

it.each([
  ['pipe', '1', () => fifo('fifo')],
  ['pipe', '2', () => fifo('fifos')],
  ['socket', '2', () => 'pipe' as const],
])('a %s that nobody reads stops nothing, with WORKERS=%s', async (_, WORKERS, open) => {
  const stdout = open()
  const { child, where } = await start(`unread-${WORKERS}-${stdout}`, stdout, { WORKERS })
  await fill(where, 8000)
  expect(await dropped(where)).toBeGreaterThan(0)
  expect(await end(child)).toBe(0)
})

it('lines wait until a full pipe is read, and the log says how many were dropped', async () => {
  const { child, where } = await start('late', 'pipe')
  child.stdout!.pause()
  await fill(where)
  const lost = await dropped(where)
  expect(lost).toBeGreaterThan(0)
  let text = ''
  child.stdout!.setEncoding('utf8').on('data', (piece) => {
    text += piece
  })
  child.stdout!.resume()
  await expect.poll(() => text, { timeout: 5000 }).toContain('which are dropped')
  await fill(where, 10)
  expect(await end(child)).toBe(0)
  const lines = parse(text)
  const [told, ...more] = lines.filter(({ msg }) => msg.includes('dropped'))
  expect(more).toEqual([])
  expect(told!.lines).toBeGreaterThanOrEqual(lost)
  const filled = lines.filter(({ url }) => url?.startsWith('/fill/'))
  expect(filled.length + told!.lines!).toBeGreaterThanOrEqual(4010)
  expect(lines.at(-1)!.msg).toMatch(/shutting down/)
})

it.runIf(process.platform === 'linux')('a full disk stops nothing', async () => {
  const { child, where } = await start('full', openSync('/dev/full', 'w'))
  await fill(where)
  expect(await dropped(where)).toBeGreaterThan(0)
  expect(await end(child)).toBe(0)
})

it('a closed pipe stops nothing', async () => {
  const { child, where } = await start('gone', 'pipe')
  child.stdout!.destroy()
  await setTimeout(100)
  await fill(where, 100)
  expect(await end(child)).toBe(0)
})

it('a file has every line, up to the last', async () => {
  const file = join(folder, 'log')
  const { child, where } = await start('file', openSync(file, 'w'))
  await fill(where, 100)
  expect(await end(child)).toBe(0)
  const lines = parse(readFileSync(file, 'utf8'))
  expect(lines.filter(({ url }) => url?.startsWith('/fill/'))).toHaveLength(100)
  expect(lines.every(({ level, url }) => level === 'info' && !url?.includes('?'))).toBe(true)
  expect(lines.at(-1)!.msg).toMatch(/shutting down/)
})
