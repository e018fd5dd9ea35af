import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const root = new URL('..', import.meta.url).pathname

export interface Server {
  /** The first address: TCP, or the path of the socket if the server has no port. */
  url: string
  process: ChildProcess
  /** Log lines so far, as written. */
  lines: string[]
  /** Sends SIGTERM, and returns the exit code. */
  stop(): Promise<number | null>
}

/** Starts a server as `npm start` does, on a free port. */
export async function startServer(
  environment: Record<string, string> = {},
  [command, ...args]: readonly [string, ...string[]] = ['node', 'src/server.ts'],
): Promise<Server> {
  const child = spawn(command, args, {
    cwd: root,
    // Tests write raw requests with any Host.
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', ALLOWED_HOSTS: '*', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const exited = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      lines.push(line)
      const listening = /Server listening at ([^"]+)/.exec(line)
      if (listening) resolve(listening[1]!)
    })
    void exited.then(([code]) => reject(new Error(`The server ended with ${code}`)))
  })
  return {
    url,
    process: child,
    lines,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
  }
}
