import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Config } from '../config.ts'
import type { Problem } from '../errors.ts'
import { noteArrival } from '../turns.ts'
import type { Admission } from './admission.ts'
import { drainAfterAnswers, endAfterAnswer, mayEnd } from './drain.ts'
import { retryHeaders } from './refusals.ts'

/** Time between checks for late headers, in milliseconds. Node's default is 30 seconds. */
const CHECK_INTERVAL = 250

/** Decisions about a request that Fastify has not seen yet. */
export interface Door {
  /** The problem of a request that lacks a key or comes from a forbidden site, if any. */
  check(request: IncomingMessage): Problem | undefined
  /** Answers a refused request with its problem. */
  send(problem: Problem, request: IncomingMessage, response: ServerResponse): void
}

/**
 * The HTTP server. Every POST passes admission control. One that cannot wait is refused before Fastify sees it,
 * so a refusal costs little even under overload. Other methods, such as those of probes, are refused only while the
 * server closes.
 */
export function createServer(
  config: Config,
  admission: Admission,
  handle: RequestListener,
  door: Door,
): Server {
  const { HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS, READ_TIMEOUT_MS } = config
  const options = {
    // `slowness.ts` times bodies. Node would count the time in the queue too.
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_INTERVAL,
    // Node would answer a request without Host with an empty 400; ours has a problem document.
    requireHostHeader: false,
  }

  function refuse(problem: Problem, request: IncomingMessage, response: ServerResponse): void {
    endAfterAnswer(request, response)
    if (admission.phase !== 'open' && mayEnd(response)) {
      response.setHeader('connection', 'close')
    }
    for (const [name, value] of Object.entries(retryHeaders(problem))) {
      response.setHeader(name, value)
    }
    door.send(problem, request, response)
  }

  function listener(request: IncomingMessage, response: ServerResponse) {
    // Without a listener, Node would also cut off clients that wait for their answer.
    response.on('timeout', endIfUnread)
    const isWork = request.method === 'POST' || admission.phase === 'closing'
    // Fastify answers requests without a key or from a forbidden site.
    if (isWork && !door.check(request)) {
      const problem = admission.findRefusal(Number(request.headers['content-length'] ?? 0))
      if (problem) return refuse(problem, request, response)
    }
    handle(request, response)
  }

  const isSecure = config.TLS_CERT_FILE !== undefined
  const server = isSecure ? createHttpsServer(options) : createHttpServer(options)
  drainAfterAnswers(server, isSecure ? 'secureConnection' : 'connection', config.MAX_BODY_BYTES)
  server.on('connection', noteArrival)
  server.on('request', listener)
  server.on('checkContinue', listener)
  // Other expectations are ignored. Without a listener, Node would answer them with an empty 417.
  server.on('checkExpectation', listener)
  // Without a listener, Node would close the connection without an answer.
  server.on('connect', (_request, socket) => {
    const reason = 'CONNECT is for proxies, and this server is not a proxy'
    server.emit('clientError', Object.assign(new Error(reason), { reason }), socket)
  })
  return server.setTimeout(READ_TIMEOUT_MS)
}

/** Ends an idle connection if the client does not read its answer. Slow bodies have their own limits. */
function endIfUnread(this: ServerResponse): void {
  if (this.writableLength > 0) this.destroy()
}
