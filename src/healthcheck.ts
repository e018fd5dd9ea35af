import { once } from 'node:events'
import { get } from 'node:http'
import { get as getSecure, type RequestOptions } from 'node:https'
import { loadConfig } from './config.ts'

/** Exits with 0 if the server with this environment is ready on all its addresses: for HEALTHCHECK and exec probes. */
const { HOST, PORT, SOCKET_PATH, TLS_CERT_FILE } = loadConfig(process.env)
const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

async function isReady(send: typeof get, where: RequestOptions): Promise<boolean> {
  // The certificate need not be for localhost, because this only asks whether the server is ready.
  const call = send({ ...where, path: '/readyz', rejectUnauthorized: false } as RequestOptions)
  const [response] = await once(call, 'response').catch(() => [])
  return response?.statusCode === 200
}

const answers = await Promise.all([
  PORT === null ||
    isReady(TLS_CERT_FILE ? getSecure : get, { host: everywhere[HOST] ?? HOST, port: PORT }),
  SOCKET_PATH === undefined || isReady(get, { socketPath: SOCKET_PATH }),
])
process.exit(answers.every(Boolean) ? 0 : 1)
