import { once } from 'node:events'
import { get, type RequestOptions } from 'node:http'
import { loadConfig } from './config.ts'

/** Exits 0 when the server of this environment takes requests, wherever it listens: for HEALTHCHECK and exec probes. */
const { HOST, PORT, SOCKET_PATH } = loadConfig(process.env)
const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

async function isReady(where: RequestOptions): Promise<boolean> {
  const [response] = await once(get({ ...where, path: '/readyz' }), 'response').catch(() => [])
  return response?.statusCode === 200
}

const answers = await Promise.all([
  PORT === null || isReady({ host: everywhere[HOST] ?? HOST, port: PORT }),
  SOCKET_PATH === undefined || isReady({ socketPath: SOCKET_PATH }),
])
process.exit(answers.every(Boolean) ? 0 : 1)
