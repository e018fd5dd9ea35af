import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Where, whereIs } from './http.ts'

const root = new URL('..', import.meta.url).pathname

export interface Server {
  /** The first address: TCP, or the path of the socket if the server has no port. */
  url: string
  /** The same, as options for node:net and node:http. */
  where: Where
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
    where: whereIs(url),
    process: child,
    lines,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
  }
}

/** Makes a function that starts servers. They are stopped at the end of the test file: pass `afterAll`. */
export function starter(afterAll: (stop: () => Promise<unknown>) => void): typeof startServer {
  const servers: Server[] = []
  afterAll(() => Promise.all(servers.map((server) => server.stop())))
  return async (environment, command) => {
    const server = await startServer(environment, command)
    servers.push(server)
    return server
  }
}
