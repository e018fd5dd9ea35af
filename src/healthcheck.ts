import { once } from 'node:events'
import { get } from 'node:http'
import { get as getSecure, type RequestOptions } from 'node:https'
import { loadConfig } from './config.ts'

/** Exits 0 when the server of this environment takes requests, wherever it listens: for HEALTHCHECK and exec probes. */
const { HOST, PORT, SOCKET_PATH, TLS_CERT_FILE } = loadConfig(process.env)
const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

async function isReady(send: typeof get, where: RequestOptions): Promise<boolean> {
  // Whom the certificate is for is not the question.
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
