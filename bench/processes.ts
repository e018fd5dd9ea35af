import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, cpus } from 'node:os'

/** Starts servers as processes on loopback, and pins them to cores. */

const root = new URL('..', import.meta.url).pathname

/** Whether processes can be pinned: servers to one core, the client to another. */
export const isPinned = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0

/** Pins all threads of this process, which is the client, to a core without a server. */
export function pinClient(): void {
  if (isPinned) spawnSync('taskset', ['-acp', '1', String(process.pid)])
}

export interface Server {
  port: number
  /** Processor time of all threads in milliseconds. NaN without /proc. */
  busy(): number
  /** Resident memory in bytes. NaN without /proc. */
  memory(): number
  stop(): Promise<void>
}

function processorTime(pid: number): number {
  const threads = `/proc/${pid}/task`
  if (!existsSync(threads)) return Number.NaN
  return readdirSync(threads).reduce((sum, thread) => {
    const [nanoseconds] = readFileSync(`${threads}/${thread}/schedstat`, 'utf8').split(' ')
    return sum + Number(nanoseconds) / 1e6
  }, 0)
}

function residentMemory(pid: number): number {
  const status = `/proc/${pid}/status`
  if (!existsSync(status)) return Number.NaN
  return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(status, 'utf8'))?.[1])
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** All cores. A server without `taskset` would inherit the single core of the client. */
export const anyCore = `0-${cpus().length - 1}`

/** Starts a server with default configuration. It writes its log to /dev/null. */
export async function startServer(
  file: string,
  cores: string,
  environment: Record<string, string> = {},
): Promise<Server> {
  const port = await freePort()
  const pinning = isPinned ? ['taskset', '-c', cores] : []
  const [command, ...options] = [...pinning, process.execPath, file]
  const child = spawn(command!, options, {
    cwd: root,
    env: { ...process.env, PORT: String(port), HOST: '127.0.0.1', ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  // Ends the server with this process, even after an error.
  const end = () => child.kill('SIGTERM')
  process.once('exit', end)
  const exited = once(child, 'exit')
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    port,
    busy: () => processorTime(child.pid!),
    memory: () => residentMemory(child.pid!),
    async stop() {
      end()
      await exited
      process.off('exit', end)
    },
  }
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
