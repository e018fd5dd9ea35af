import { connect, type NetConnectOpts } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Where } from '../http.ts'

/** Sends requests as bytes on a socket, and reads the answers. */

export interface Answer {
  status: number
  headers: Map<string, string>
  body: Buffer
}

/** The complete answers, and the bytes after the last one. */
export interface Answers {
  answers: Answer[]
  rest: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

function readHeaders(head: string): Map<string, string> {
  const lines = head.split('\r\n').slice(1)
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
}

/** The chunked body that begins here and its end, if it is complete. */
function readChunks(bytes: Buffer): { body: Buffer; end: number } | undefined {
  const pieces: Buffer[] = []
  for (let at = 0; ; ) {
    const line = bytes.indexOf(LINE_END, at)
    if (line < 0) return undefined
    const length = Number.parseInt(bytes.toString('latin1', at, line), 16)
    const start = line + 2
    at = start + length + 2
    if (!(at <= bytes.length)) return undefined
    if (length === 0) return { body: Buffer.concat(pieces), end: at }
    pieces.push(bytes.subarray(start, start + length))
  }
}

/** An answer to HEAD has no body. Whether an answer is one is not known here, so the bytes after its head decide. */
export function readAnswers(received: Buffer, mayBeHead = false): Answers {
  const answers: Answer[] = []
  let rest = received
  for (;;) {
    const end = rest.indexOf(HEAD_END)
    if (end < 0) return { answers, rest }
    const head = rest.toString('latin1', 0, end)
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    if (Number.isNaN(status)) return { answers, rest }
    const headers = readHeaders(head)
    const behind = rest.subarray(end + 4)
    const isBare = behind.length === 0 || behind.subarray(0, 5).toString() === 'HTTP/'
    const isEmpty = status < 200 || status === 204 || status === 304 || (mayBeHead && isBare)
    let length = isEmpty ? 0 : Number(headers.get('content-length') ?? Number.NaN)
    let body = behind.subarray(0, length)
    if (!isEmpty && headers.get('transfer-encoding') === 'chunked') {
      const chunks = readChunks(behind)
      if (!chunks) return { answers, rest }
      body = chunks.body
      length = chunks.end
    }
    if (!(behind.length >= length)) return { answers, rest }
    if (status >= 200) answers.push({ status, headers, body })
    rest = behind.subarray(length)
  }
}

export interface Exchange extends Answers {
  /** Whether the server closed the connection. */
  isClosed: boolean
  /** Whether the time was over before the server closed the connection or sent enough. */
  isLate: boolean
}

/** The time in milliseconds in which a complete request must be answered, on a busy machine. */
const DEADLINE = 5000

/**
 * Sends bytes in segments, and waits until enough bytes have come or the server closes the connection. `pause` is the
 * time between segments in milliseconds.
 */
export async function exchange(
  where: Where,
  segments: readonly Uint8Array[],
  isEnough: (answers: Answers) => boolean | Promise<boolean>,
  { pause = 0, mayBeHead = false, deadline = DEADLINE } = {},
): Promise<Exchange> {
  const socket = connect({ noDelay: true, ...where } as NetConnectOpts)
  const pieces: Buffer[] = []
  const read = () => readAnswers(Buffer.concat(pieces), mayBeHead)
  let isClosed = false
  let changed = Promise.withResolvers<void>()
  const wake = () => {
    changed.resolve()
    changed = Promise.withResolvers()
  }
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece)
    wake()
  })
  // A reset counts as closing.
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    wake()
  })
  for (const segment of segments) {
    if (isClosed) break
    socket.write(segment)
    if (segments.length > 1) await setTimeout(pause)
  }
  const timer = new AbortController()
  const timeout = setTimeout(deadline, true, { signal: timer.signal }).catch(() => true)
  let isLate = false
  while (!isClosed && !isLate) {
    const { promise } = changed
    if (await isEnough(read())) break
    isLate = (await Promise.race([promise, timeout])) === true
  }
  timer.abort()
  socket.destroy()
  return { ...read(), isClosed, isLate }
}
