import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import { setImmediate as endOfTurn } from 'node:timers/promises'

/**
 * A client may still send its request when the answer goes out. Closing a socket with unread input
 * sends RST, and the client loses the answer. So the rest of the request is read and dropped, within the
 * limits below. Then the connection stays open. After the last answer on a connection, the server sends FIN, drops
 * what still comes, and waits for the FIN of the client.
 *
 * At shutdown, answers end their connections (`mayEnd`), and idle connections end after a grace period.
 */

/** Time between two checks of what a client has sent, in milliseconds. */
const CHECK_MS = 2000
/** The same for a client that was already too slow. */
const SLOW_CHECK_MS = 500
/** A client that sends less than this between two checks, in bytes, is cut off. */
const LEAST = 2 ** 18
/** A client that still sends at this check is cut off. */
const MOST_CHECKS = 10
/** Largest number of bytes dropped for one request, unless twice the largest body is more. */
const MOST = 2 ** 27

/** How long idle connections stay open at shutdown, in milliseconds, for a request that is already on its way. */
export const GRACE_MS = 100
/** How long a client has to close a connection that the server has half-closed at shutdown, in milliseconds. */
const LINGER_MS = 250

/** Bytes that all sockets together drop in one turn of the event loop. After that, each socket drops one piece. */
const MOST_PER_TURN = 2 ** 22
let droppedInTurn = 0

/** Counts dropped bytes. Returns whether the limit for this turn is reached, so that other work comes first. */
function isTurnFull(bytes: number): boolean {
  if (droppedInTurn === 0) {
    setImmediate(() => {
      droppedInTurn = 0
    })
  }
  droppedInTurn += bytes
  return droppedInTurn > MOST_PER_TURN
}

/** Longest body, in bytes, that is dropped to keep its connection. For a longer one, the answer ends the connection. */
const SHORT = 2 ** 16

/** For each socket, the last request that was answered before its body was complete. */
const answered = new WeakMap<Socket, IncomingMessage>()
/** Sockets on which the server has sent its last answer, and FIN. */
const halfClosed = new WeakSet<Socket>()

/** Sockets whose clients were already too slow. */
const slowSockets = new WeakSet<Socket>()

/** Shortens the time in which the input of a socket is drained, because its client was already too slow. */
export function shortenDrain(socket: Socket): void {
  slowSockets.add(socket)
}

/** For each socket, the responses that are not sent yet, in order. */
const unsent = new WeakMap<Socket, Set<ServerResponse>>()
/** For some sockets, the answer to a parser error. It is sent after these responses, and is the last one. */
const lastAnswers = new WeakMap<Socket, string>()

/** For each socket, the bytes received when it last became idle. If more have arrived, another request has begun. */
const receivedWhenIdle = new WeakMap<Socket, number>()

/**
 * Whether a response may end its connection at shutdown. It may not if another request has arrived on the connection,
 * because that would be lost. It may not while the server accepts the last connections either, because the client
 * would open another one at once, again and again.
 */
export function mayEnd(response: ServerResponse): boolean {
  const responses = unsent.get(response.req.socket)
  return !isKept(response.req) && (responses === undefined || [...responses].at(-1) === response)
}

/** Whether the connection of a request must stay open, because the server accepts its last connections. */
const isKept = ({ socket }: IncomingMessage) => kept.has(socket)

interface Connections {
  readonly open: Set<Socket>
  /** Number of connections accepted so far. */
  count: number
  /** Whether the server accepts its last connections. */
  isEnding: boolean
}

/** Sockets that stay open while their server accepts its last connections. */
const kept = new WeakSet<Socket>()

const connections = new WeakMap<Server, Connections>()

/** The server stops listening when no connection has arrived for this time, in milliseconds. */
const QUIET_MS = 20
/** The server stops listening after this time at the latest, in milliseconds. */
const MOST_WAIT_MS = 1000

/**
 * Accepts the connections that wait on the listening sockets, because closing a listening socket resets them.
 * Meanwhile no answer ends its connection, because the client would open another one at once.
 */
export async function acceptLast(server: Server): Promise<void> {
  const state = connections.get(server)!
  state.isEnding = true
  for (const socket of state.open) kept.add(socket)
  const began = performance.now()
  let { count } = state
  // A turn of the event loop accepts one connection.
  for (let last = began, now = began; now - last < QUIET_MS && now - began < MOST_WAIT_MS; ) {
    await endOfTurn()
    now = performance.now()
    if (state.count > count) last = now
    count = state.count
  }
  state.isEnding = false
  for (const socket of state.open) kept.delete(socket)
}

/** Stops listening on all addresses, and resolves when every connection has ended. */
export async function stopListening(server: Server, others: readonly NetServer[]): Promise<void> {
  await Promise.all(
    [server, ...others].map((each) => new Promise((resolve) => each.close(resolve))),
  )
}

const isAnswered = (socket: Socket) =>
  halfClosed.has(socket) || answered.get(socket)?.complete === false

/** Whether some response must go before the answer to a parser error: one with a complete request, or one that has begun. */
const mustWait = (responses: Iterable<ServerResponse>) =>
  [...responses].some(({ req, headersSent }) => req.complete || headersSent)

/**
 * Answers input that is not a valid request, and ends the connection. Answers to earlier requests go first. A
 * request that already has an answer gets no second one.
 */
export function endWith(socket: Socket, answer: string): void {
  // A TLS handshake that failed leaves nothing to write to.
  if (!unsent.has(socket)) socket.destroy()
  else if (isAnswered(socket)) socket.destroySoon()
  else if (mustWait(unsent.get(socket) ?? [])) {
    lastAnswers.set(socket, answer)
    socket.pause()
  } else if (!socket.writable) socket.destroy()
  else {
    socket.write(answer)
    socket.destroySoon()
  }
}

const announcedBytes = ({ headers }: IncomingMessage) => Number(headers['content-length'] ?? 0)

/** Makes the answer end the connection if the body is long, which tells the client to stop sending. Call it before answering. */
export function endAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  const isLong = announcedBytes(request) > SHORT || 'transfer-encoding' in request.headers
  if (isLong && !isKept(request)) response.setHeader('connection', 'close')
}

/** Sends `100 Continue` to a client that waits for it before it sends its body. */
export function askForBody(response: ServerResponse): void {
  response.removeHeader('connection')
  response.writeContinue()
}

/** Drops the input of a request or socket until it ends. Destroys the socket at one of the limits. */
function drop(
  source: IncomingMessage | Socket,
  socket: Socket,
  server: Server,
  most: number,
): void {
  let dropped = 0
  let seen = 0
  let checks = 0

  function count(piece: Uint8Array): void {
    dropped += piece.length
    if (dropped > most) socket.destroy()
    else if (isTurnFull(piece.length)) {
      source.pause()
      setImmediate(() => source.resume())
    }
  }

  function check(): void {
    checks++
    const isSlow = dropped - seen < LEAST
    seen = dropped
    if (isSlow || checks === MOST_CHECKS || !server.listening) socket.destroy()
  }

  function stop(): void {
    clearInterval(timer)
    receivedWhenIdle.set(socket, socket.bytesRead)
    source.off('data', count)
    source.off('end', stop)
    socket.off('close', stop)
  }

  const timer = setInterval(check, slowSockets.has(socket) ? SLOW_CHECK_MS : CHECK_MS)
  source.on('data', count)
  source.once('end', stop)
  socket.once('close', stop)
}

/**
 * Makes a server drain every request that is answered before its body is complete, whoever answers it.
 * `arrival` is the event of a new connection.
 */
export function drainAfterAnswers(
  server: Server,
  arrival: 'connection' | 'secureConnection',
  maxBodyBytes: number,
): void {
  const most = Math.max(MOST, 2 * maxBodyBytes)
  const state: Connections = { open: new Set(), count: 0, isEnding: false }
  connections.set(server, state)

  function end(socket: Socket): void {
    if (halfClosed.has(socket)) return
    halfClosed.add(socket)
    socket.end()
    socket.resume()
    // The parser must resume a paused socket. So its listeners are removed only in the next turn.
    setImmediate(() => {
      if (socket.destroyed) return
      socket.removeAllListeners('data')
      drop(socket, socket, server, most)
    })
  }

  function onSent(request: IncomingMessage, socket: Socket): void {
    if (halfClosed.has(socket)) return
    const lastAnswer = lastAnswers.get(socket)
    if (lastAnswer !== undefined) {
      if (mustWait(unsent.get(socket)!)) return
      if (request.complete) socket.write(lastAnswer)
      end(socket)
    } else if (!request.complete) {
      answered.set(socket, request)
      drop(request, socket, server, most)
    } else receivedWhenIdle.set(socket, socket.bytesRead)
  }

  /** Half-closes idle connections, and destroys those that the client does not close in time. */
  function endIdle(): void {
    for (const socket of state.open) {
      const isIdle =
        unsent.get(socket)!.size === 0 && receivedWhenIdle.get(socket) === socket.bytesRead
      if (!isIdle || halfClosed.has(socket)) continue
      end(socket)
      const timer = setTimeout(() => socket.destroy(), LINGER_MS)
      socket.once('close', () => clearTimeout(timer))
    }
  }

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const responses = unsent.get(socket)!
    responses.add(response)
    // Node would drop an unread body without counting it. Its listener for `finish` runs after this one.
    response.prependOnceListener('finish', () => {
      if (request.complete) return
      request.unpipe()
      request.resume()
    })
    response.once('finish', () => {
      responses.delete(response)
      onSent(request, socket)
    })
    if (announcedBytes(request) > most) response.setHeader('connection', 'close')
  }

  // Node calls this when the server stops listening. Its own version destroys sockets, even with unread input.
  let closing: NodeJS.Timeout | undefined
  server.closeIdleConnections = () => {
    closing ??= setInterval(endIdle, GRACE_MS).unref()
  }
  server.once('close', () => clearInterval(closing))

  // Node calls `destroySoon` after the last answer on a connection. Its own version destroys the socket once that is sent.
  server.on(arrival, (socket: Socket) => {
    unsent.set(socket, new Set())
    receivedWhenIdle.set(socket, socket.bytesRead)
    state.open.add(socket)
    state.count++
    if (state.isEnding) kept.add(socket)
    socket.once('close', () => state.open.delete(socket))
    socket.destroySoon = () => end(socket)
  })
  server.on('request', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('checkContinue', (request, response) => {
    // A client without `100 Continue` may omit its body. The parser would then take the next request for that body.
    response.setHeader('connection', 'close')
    onRequest(request, response)
  })
}
