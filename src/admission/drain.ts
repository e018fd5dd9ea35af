import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import { setImmediate as endOfTurn } from 'node:timers/promises'

/**
 * A client may still be sending its request when the answer goes out. Closing a socket with unread input
 * sends RST, and the client loses the answer. So the rest of the request is read and dropped, within the
 * bounds below. After that the connection goes on; or, if it is the last answer, the server has already
 * sent FIN and waits for the client's.
 *
 * At shutdown, answers end their connections (`mayEnd`), and connections without a request end after a grace.
 */

/** The time between two looks at what a client has sent, in milliseconds. */
const LOOK_MS = 2000
/** The same where the client was too slow already. */
const SOON_MS = 500
/** A client that sends less than this between two looks, in bytes, is cut off. */
const LEAST = 2 ** 18
/** A client that still sends at this look is cut off. */
const LAST_LOOK = 10
/** The most bytes dropped for one request. It is twice the largest body where that is more. */
const MOST = 2 ** 27

/** How long connections without a request are kept at shutdown for one that is on its way, in milliseconds. */
export const GRACE_MS = 100
/** How long a client has to close a connection that the server has half-closed at shutdown, in milliseconds. */
const LINGER_MS = 250

/** How many bytes are dropped in one turn of the event loop, by all sockets; beyond that a piece of each. */
const TURN = 2 ** 22
let droppedInTurn = 0

/** Whether it is time that others have their turn. */
function isTurnOver(bytes: number): boolean {
  if (droppedInTurn === 0) {
    setImmediate(() => {
      droppedInTurn = 0
    })
  }
  droppedInTurn += bytes
  return droppedInTurn > TURN
}

/** A longer body than this, in bytes, is not worth reading for the connection's sake. */
const SHORT = 2 ** 16

/** The request of a socket that was answered before all of it had come. */
const answered = new WeakMap<Socket, IncomingMessage>()
/** Sockets that had their last answer. */
const ending = new WeakSet<Socket>()

/** Sockets whose clients were too slow already. */
const hurried = new WeakSet<Socket>()

/** Leaves a client that was too slow little time after its last answer. */
export function endSoon(socket: Socket): void {
  hurried.add(socket)
}

/** The responses of a socket that are not sent yet, in order. */
const unsent = new WeakMap<Socket, Set<ServerResponse>>()
/** What a socket sends after them, as its last answer. */
const lastAnswers = new WeakMap<Socket, string>()

/** How much a socket had received, in bytes, when nothing was under way on it: after its last request, or at first. */
const receivedAtRest = new WeakMap<Socket, number>()

/**
 * Whether a response may end its connection at shutdown. A request that has come after it would be lost. And while the
 * server accepts the last connections, the client would open another one at once, again and again.
 */
export function mayEnd(response: ServerResponse): boolean {
  const responses = unsent.get(response.req.socket)
  return !isKept(response.req) && (responses === undefined || [...responses].at(-1) === response)
}

/** Whether connections go on while the last ones are accepted. */
const isKept = ({ socket }: IncomingMessage) => kept.has(socket)

interface Connections {
  readonly open: Set<Socket>
  /** How many there have been. */
  count: number
  /** Whether the last ones are accepted. */
  isEnding: boolean
}

/** Sockets whose connections go on while their server accepts the last ones. */
const kept = new WeakSet<Socket>()

const connections = new WeakMap<Server, Connections>()

/** How long no connection may have come before the server stops listening, in milliseconds. */
const QUIET_MS = 20
/** The longest time that is waited for that, in milliseconds. */
const MOST_WAIT_MS = 1000

/**
 * Accepts the connections that wait to be accepted on a server's addresses: closing a listening socket resets those. Until
 * then no answer ends its connection, because a client that is told to open another one does so at once.
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

/** Stops listening, on all of a server's addresses, and resolves when every connection has ended. */
export async function stopListening(server: Server, others: readonly NetServer[]): Promise<void> {
  await Promise.all(
    [server, ...others].map((each) => new Promise((resolve) => each.close(resolve))),
  )
}

const isAnswered = (socket: Socket) =>
  ending.has(socket) || answered.get(socket)?.complete === false

/** Whether some response goes before the answer to an error of the parser: its request has come, or it is under way. */
const mustWait = (responses: Iterable<ServerResponse>) =>
  [...responses].some(({ req, headersSent }) => req.complete || headersSent)

/**
 * Sends an answer to what is no request, and ends the connection. Answers to earlier requests go first; and a
 * request that is answered gets no second answer.
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

/** Tells a client with a long body to stop sending it: the answer ends the connection. Call it before the answer. */
export function endAfterAnswer(request: IncomingMessage, response: ServerResponse): void {
  const isLong = announcedBytes(request) > SHORT || 'transfer-encoding' in request.headers
  if (isLong && !isKept(request)) response.setHeader('connection', 'close')
}

/** Asks for the body of a client that waits to be asked (`Expect: 100-continue`). */
export function askForBody(response: ServerResponse): void {
  response.removeHeader('connection')
  response.writeContinue()
}

/** Drops what comes of a request or on its socket until that ends, or destroys the socket at a bound. */
function drop(
  source: IncomingMessage | Socket,
  socket: Socket,
  server: Server,
  most: number,
): void {
  let dropped = 0
  let seen = 0
  let looks = 0

  function count(piece: Uint8Array): void {
    dropped += piece.length
    if (dropped > most) socket.destroy()
    else if (isTurnOver(piece.length)) {
      source.pause()
      setImmediate(() => source.resume())
    }
  }

  function look(): void {
    looks++
    const isSlow = dropped - seen < LEAST
    seen = dropped
    if (isSlow || looks === LAST_LOOK || !server.listening) socket.destroy()
  }

  function stop(): void {
    clearInterval(timer)
    receivedAtRest.set(socket, socket.bytesRead)
    source.off('data', count)
    source.off('end', stop)
    socket.off('close', stop)
  }

  const timer = setInterval(look, hurried.has(socket) ? SOON_MS : LOOK_MS)
  source.on('data', count)
  source.once('end', stop)
  socket.once('close', stop)
}

/**
 * Makes a server drain requests that it answers before it has read them, however they are answered.
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
    if (ending.has(socket)) return
    ending.add(socket)
    socket.end()
    socket.resume()
    // A paused socket resumes through the parser, so the parser leaves only in the next turn.
    setImmediate(() => {
      if (socket.destroyed) return
      socket.removeAllListeners('data')
      drop(socket, socket, server, most)
    })
  }

  function onSent(request: IncomingMessage, socket: Socket): void {
    if (ending.has(socket)) return
    const lastAnswer = lastAnswers.get(socket)
    if (lastAnswer !== undefined) {
      if (mustWait(unsent.get(socket)!)) return
      if (request.complete) socket.write(lastAnswer)
      end(socket)
    } else if (!request.complete) {
      answered.set(socket, request)
      drop(request, socket, server, most)
    } else receivedAtRest.set(socket, socket.bytesRead)
  }

  /** Half-closes each connection on which nothing is under way, and soon ends those that the client leaves open. */
  function endIdle(): void {
    for (const socket of state.open) {
      const isIdle =
        unsent.get(socket)!.size === 0 && receivedAtRest.get(socket) === socket.bytesRead
      if (!isIdle || ending.has(socket)) continue
      end(socket)
      const timer = setTimeout(() => socket.destroy(), LINGER_MS)
      socket.once('close', () => clearTimeout(timer))
    }
  }

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const responses = unsent.get(socket)!
    responses.add(response)
    // Otherwise Node drops uncounted what nobody reads. This comes before it looks.
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

  // Node calls it when the server stops listening. It would destroy the sockets, even with unread input.
  let closing: NodeJS.Timeout | undefined
  server.closeIdleConnections = () => {
    closing ??= setInterval(endIdle, GRACE_MS).unref()
  }
  server.once('close', () => clearInterval(closing))

  // Node calls it after the last answer on a connection, and would destroy the socket once that is sent.
  server.on(arrival, (socket: Socket) => {
    unsent.set(socket, new Set())
    receivedAtRest.set(socket, socket.bytesRead)
    state.open.add(socket)
    state.count++
    if (state.isEnding) kept.add(socket)
    socket.once('close', () => state.open.delete(socket))
    socket.destroySoon = () => end(socket)
  })
  server.on('request', onRequest)
  server.on('checkExpectation', onRequest)
  server.on('checkContinue', (request, response) => {
    // A client that is not asked for its body may leave it out, and the next request would be taken for it.
    response.setHeader('connection', 'close')
    onRequest(request, response)
  })
}
