import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, describe, expect, it } from 'vitest'
import { ask, halfSent, open } from '../http.ts'
import { type Server, starter } from '../server.ts'

const root = new URL('../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
afterAll(() => rmSync(folder, { recursive: true }))
const startOne = starter(afterAll)

interface Line {
  time: number
  msg: string
  pid: number
  pids?: number[]
}

const linesOf = ({ lines }: { lines: string[] }) => lines.map((line) => JSON.parse(line) as Line)

/** The processes that listen, each time that all of them do. */
const crews = (server: { lines: string[] }) =>
  linesOf(server).flatMap(({ pids }) => (pids ? [pids] : []))

async function start(environment: Record<string, string> = {}) {
  const server = await startOne({ WORKERS: '2', ...environment })
  await expect.poll(() => crews(server).length, { timeout: 20_000 }).toBe(1)
  return server
}

const answering = (server: Server) =>
  new Set(linesOf(server).flatMap(({ msg, pid }) => (msg === 'request' ? [pid] : [])))

function isAlive(pid: number) {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  // A process that has ended is listed until its parent has waited for it.
  const status = `/proc/${pid}/status`
  return !existsSync(status) || !/^State:\s+Z/m.test(readFileSync(status, 'utf8'))
}

describe('one worker', () => {
  it('is the process itself', async () => {
    const server = await startOne({ WORKERS: '1' })
    await ask(server.where, '/livez')
    await expect.poll(() => [...answering(server)]).toEqual([server.process.pid])
    const { pid } = server.process
    if (existsSync('/proc')) {
      expect(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')).toBe('')
    }
  })
})

describe('two workers', () => {
  it('share the port and the socket, and log the addresses once', async () => {
    const path = join(folder, 'shared.sock')
    const server = await start({ SOCKET_PATH: path })
    for (const where of [server.where, { path }]) {
      const before = server.lines.length
      const seen = () =>
        new Set(
          linesOf(server)
            .slice(before)
            .map(({ pid }) => pid),
        )
      // Which worker answers is chance.
      for (let i = 0; i < 500 && seen().size < 2; i++) {
        expect((await ask(where, '/livez')).status).toBe(200)
      }
      expect([...seen()].sort()).toEqual([...crews(server)[0]!].sort())
    }
    expect(answering(server)).not.toContain(server.process.pid)
    const about = linesOf(server).map(({ msg }) => msg)
    expect(about.filter((msg) => msg.startsWith('Server listening at'))).toEqual([
      `Server listening at ${server.url}`,
      `Server listening at ${path}`,
    ])
    expect(about).toContain('2 workers are listening')
  })

  it('survive the death of one worker, which is replaced', async () => {
    const server = await start()
    const [victim, other] = crews(server)[0]!
    process.kill(victim!, 'SIGKILL')
    await expect.poll(() => isAlive(victim!)).toBe(false)
    // Until the system has closed its sockets, requests to them are reset.
    const askAgain = () => ask(server.where, '/livez').catch(() => ({ status: 0 }))
    await expect.poll(async () => (await askAgain()).status).toBe(200)
    await expect.poll(() => crews(server).length, { timeout: 10_000 }).toBe(2)
    expect(crews(server)[1]).toContain(other)
    expect(crews(server)[1]).not.toContain(victim)
    expect(linesOf(server).find(({ msg }) => msg === 'a worker exited unexpectedly')).toMatchObject(
      {
        worker: victim,
        signal: 'SIGKILL',
      },
    )
    expect((await ask(server.where, '/livez')).status).toBe(200)
  })

  it('lose only the requests of a worker that is killed', async () => {
    const server = await start()
    const { where } = server
    const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })
    const head = `POST /v1/sample HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const kept = await Promise.all(Array.from({ length: 16 }, () => open(where)))
    for (const connection of kept) connection.closed.catch(() => {})
    const ask = () => {
      for (const { socket } of kept) if (!socket.destroyed) socket.write(head + body)
    }
    const answers = () => kept.map(({ answer }) => answer.match(/HTTP\/1\.1 200 OK/g)?.length ?? 0)
    ask()
    await expect.poll(answers).toEqual(kept.map(() => 1))
    const [victim] = crews(server)[0]!
    process.kill(victim!, 'SIGKILL')
    await expect.poll(() => kept.filter(({ socket }) => socket.destroyed).length).toBeGreaterThan(0)
    const lost = kept.map(({ socket }) => socket.destroyed)
    ask()
    await expect.poll(answers).toEqual(lost.map((isLost) => (isLost ? 1 : 2)))
    expect(lost).toContain(false)
    for (const { socket } of kept) socket.destroy()
  })

  it('answer while one hangs, which is killed and replaced', async () => {
    const path = join(folder, 'hung.sock')
    const server = await start({ SOCKET_PATH: path, PORT: 'none' })
    const [victim, other] = crews(server)[0]!
    const values = async () => {
      const { body } = await ask({ path }, '/metrics')
      const value = (name: string) => new RegExp(`^${name} (\\d+)$`, 'm').exec(body)?.[1]
      return ['kelvin_workers', 'kelvin_workers_silent', 'kelvin_log_lines_dropped_total'].map(
        value,
      )
    }
    expect(await values()).toEqual(['2', '0', '0'])
    process.kill(victim!, 'SIGSTOP')
    expect(await values()).toEqual(['2', '1', '0'])
    // Before the primary process finds that the worker hangs.
    expect(isAlive(victim!)).toBe(true)
    await expect.poll(() => isAlive(victim!), { timeout: 15_000 }).toBe(false)
    await expect.poll(() => crews(server).length, { timeout: 10_000 }).toBe(2)
    expect(crews(server)[1]).toContain(other)
    expect(await values()).toEqual(['2', '0', '0'])
    expect(linesOf(server).map(({ msg }) => msg)).toContain('killing a worker that does not answer')
  })

  it('are both replaced when both die', async () => {
    const path = join(folder, 'both.sock')
    const server = await start({ SOCKET_PATH: path, PORT: 'none' })
    for (const pid of crews(server)[0]!) process.kill(pid, 'SIGKILL')
    await expect.poll(() => crews(server).length, { timeout: 10_000 }).toBe(2)
    expect((await ask({ path }, '/livez')).status).toBe(200)
  })

  it('are replaced more slowly the more often they die', async () => {
    const server = await start()
    for (let deaths = 1; deaths <= 3; deaths++) {
      process.kill(crews(server).at(-1)![1]!, 'SIGKILL')
      await expect.poll(() => crews(server).length, { timeout: 10_000 }).toBe(deaths + 1)
    }
    const lines = linesOf(server)
    const ended = lines.filter(({ msg }) => msg === 'a worker exited unexpectedly')
    const back = lines.filter(({ pids }) => pids).slice(1)
    const waits = ended.map(({ time }, i) => back[i]!.time - time)
    expect(waits[0]).toBeGreaterThanOrEqual(100)
    expect(waits[1]).toBeGreaterThanOrEqual(200)
    expect(waits[2]).toBeGreaterThanOrEqual(400)
  })
})

describe('shutdown', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s ends all workers, after requests under way',
    async (signal) => {
      const path = join(folder, `${signal}.sock`)
      const server = await start({ SOCKET_PATH: path })
      const underWay = await Promise.all(
        [{ path }, server.where, { path }, server.where].map(halfSent),
      )
      // As from a terminal: each worker gets a signal of its own, and one from the primary process.
      for (const pid of crews(server)[0]!) process.kill(pid, signal)
      server.process.kill(signal)
      const ended = once(server.process, 'exit')
      await expect.poll(() => existsSync(path)).toBe(false)
      for (const { socket, rest } of underWay) socket.write(rest)
      expect((await ended)[0]).toBe(0)
      for (const { answer } of underWay) expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
    },
  )

  it('ends all workers if only the primary process gets SIGTERM', async () => {
    const path = join(folder, 'primary.sock')
    const server = await start({ SOCKET_PATH: path })
    const underWay = await Promise.all([{ path }, server.where].map(halfSent))
    const ended = server.stop()
    await expect.poll(() => existsSync(path)).toBe(false)
    for (const { socket, rest } of underWay) socket.write(rest)
    expect(await ended).toBe(0)
    for (const { answer } of underWay) expect(answer).toMatch(/^HTTP\/1.1 200 OK/)
    expect(crews(server)[0]!.filter(isAlive)).toEqual([])
  })

  it('ends after SHUTDOWN_TIMEOUT_MS, and exits 1', async () => {
    const server = await start({ SHUTDOWN_TIMEOUT_MS: '300' })
    const stuck = crews(server)[0]![0]!
    process.kill(stuck, 'SIGSTOP')
    expect(await server.stop()).toBe(1)
    await expect.poll(() => isAlive(stuck)).toBe(false)
  })

  it('is immediate on a second signal, and exits 1', async () => {
    const server = await start()
    await halfSent(server.where)
    const ended = server.stop()
    await expect.poll(() => server.lines.at(-1)).toContain('shutting down')
    server.process.kill('SIGTERM')
    expect(await ended).toBe(1)
    await expect.poll(() => crews(server)[0]!.filter(isAlive)).toEqual([])
  })

  it('leaves no worker behind when the primary process is killed', async () => {
    const server = await start()
    server.process.kill('SIGKILL')
    await expect.poll(() => crews(server)[0]!.filter(isAlive)).toEqual([])
  })
})

describe('a fault that keeps workers from starting', () => {
  it('is logged once if it is a port in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const child = spawn('node', ['src/server.ts'], {
      cwd: root,
      env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), WORKERS: '2' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
    expect((await once(child, 'close'))[0]).toBe(1)
    taken.close()
    expect(linesOf({ lines }).map(({ msg }) => msg)).toEqual([
      'cannot listen',
      'no worker can start',
    ])
    expect(lines[0]).toContain('EADDRINUSE')
  })

  it('is logged once if it is a variable', () => {
    const { status, stderr } = spawnSync('node', ['src/server.ts'], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, WORKERS: '2', MAX_ROWS: '0' },
    })
    expect(status).toBe(1)
    expect(stderr.match(/MAX_ROWS=0/g)).toEqual(['MAX_ROWS=0'])
  })
})

const inContainer = it.runIf(spawnSync('unshare', ['-pf', 'true']).status === 0)

inContainer('process 1 of a container ends as asked and leaves no dead worker', async () => {
  const child = spawn('unshare', ['-pf', process.execPath, 'src/server.ts'], {
    cwd: root,
    env: { ...process.env, HOST: '127.0.0.1', PORT: '0', WORKERS: '2' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  await expect.poll(() => crews({ lines }).length, { timeout: 20_000 }).toBe(1)
  expect(linesOf({ lines })[0]!.pid).toBe(1)
  const childrenOf = (pid: number | undefined) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  const [first] = childrenOf(child.pid)
  const [victim] = childrenOf(first)
  process.kill(victim!, 'SIGKILL')
  await expect.poll(() => existsSync(`/proc/${victim}`)).toBe(false)
  process.kill(first!, 'SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(0)
})
