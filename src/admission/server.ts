import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { type Admission, admit } from './admission.ts'
import { drainAfterAnswers, endAfterAnswer } from './drain.ts'

/** Writes why a request is refused. */
export type SendRefusal = (
  problem: Problem,
  request: IncomingMessage,
  response: ServerResponse,
) => void

function refuse(
  problem: Problem,
  request: IncomingMessage,
  response: ServerResponse,
  send: SendRefusal,
): void {
  endAfterAnswer(request, response)
  if (problem.code === 'SHUTTING_DOWN') response.setHeader('connection', 'close')
  response.setHeader('retry-after', '1')
  send(problem, request, response)
}

/**
 * The HTTP server. What is posted is work, and comes in if there is room for it; it is refused before
 * anything is made of it, so that this costs little however often it happens. What is only looked at,
 * like probes, is never refused, until the very end.
 */
export function createServer(
  config: Config,
  admission: Admission,
  handle: RequestListener,
  send: SendRefusal,
): Server {
  const { REQUEST_TIMEOUT_MS, HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS } = config
  const isShorter = HEADERS_TIMEOUT_MS > 0 && HEADERS_TIMEOUT_MS < (REQUEST_TIMEOUT_MS || Infinity)
  const options = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Node has one of its own if it is not told of it here.
    headersTimeout: isShorter ? HEADERS_TIMEOUT_MS : REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // It would look for late requests every 30 seconds.
    connectionsCheckingInterval: 1000,
    // A request without one it would refuse without a word; that is a problem like others.
    requireHostHeader: false,
  }

  function listener(request: IncomingMessage, response: ServerResponse) {
    if (request.method === 'POST' || admission.phase === 'closing') {
      const admitted = admit(admission, request)
      if (admitted instanceof Problem) return refuse(admitted, request, response, send)
      response.once('close', admitted)
    }
    handle(request, response)
  }

  const isSecure = config.TLS_CERT_FILE !== undefined
  const server = isSecure ? createHttpsServer(options) : createHttpServer(options)
  drainAfterAnswers(server, isSecure ? 'secureConnection' : 'connection', config.MAX_BODY_BYTES)
  server.on('request', listener)
  server.on('checkContinue', listener)
  // What else a client may expect is no reason to refuse its request, as Node would, without a word.
  server.on('checkExpectation', listener)
  // Without a listener Node would close the connection without a word.
  server.on('connect', (_request, socket) => {
    const reason = 'CONNECT is for proxies, and this is none'
    server.emit('clientError', Object.assign(new Error(reason), { reason }), socket)
  })
  // A client that does not read its answer is not waited for either; but one that is late gets to hear it first.
  return server.setTimeout(2 * REQUEST_TIMEOUT_MS)
}
