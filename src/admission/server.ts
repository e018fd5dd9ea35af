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

/** How often late heads are looked for, in milliseconds. Node's own default is 30 seconds. */
const LOOK = 250

/** What the server asks others about a request before it is one of Fastify's. */
export interface Door {
  /** Why a request may not come in, whether or not there is room. */
  check(request: IncomingMessage): Problem | undefined
  /** Writes why a request is refused. */
  send(problem: Problem, request: IncomingMessage, response: ServerResponse): void
}

/**
 * The HTTP server. What is posted is work: where it could not even wait, it is refused before anything is
 * made of it, so that this costs little however often it happens. What is only looked at, like probes, is
 * never refused, until the very end.
 */
export function createServer(
  config: Config,
  admission: Admission,
  handle: RequestListener,
  door: Door,
): Server {
  const { HEADERS_TIMEOUT_MS, KEEP_ALIVE_TIMEOUT_MS, READ_TIMEOUT_MS } = config
  const options = {
    // Bodies are timed while they are read, not while they wait.
    requestTimeout: 0,
    headersTimeout: HEADERS_TIMEOUT_MS,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: LOOK,
    // A request without one it would refuse without a word; that is a problem like others.
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
    // Without a listener Node would cut off a client that waits for its answer, too.
    response.on('timeout', endIfUnread)
    const isWork = request.method === 'POST' || admission.phase === 'closing'
    // Who may not come in is told so by Fastify.
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
  // What else a client may expect is no reason to refuse its request, as Node would, without a word.
  server.on('checkExpectation', listener)
  // Without a listener Node would close the connection without a word.
  server.on('connect', (_request, socket) => {
    const reason = 'CONNECT is for proxies, and this is none'
    server.emit('clientError', Object.assign(new Error(reason), { reason }), socket)
  })
  return server.setTimeout(READ_TIMEOUT_MS)
}

/** Nothing has come or gone on the connection for a while. A body that does not come has limits of its own. */
function endIfUnread(this: ServerResponse): void {
  if (this.writableLength > 0) this.destroy()
}
