import type { IncomingHttpHeaders } from 'node:http'
import { setTimeout as startTimeout } from 'node:timers'
import { setTimeout } from 'node:timers/promises'
import { Pool } from 'undici'
import { KelvinError, toError } from './error.ts'
import type { SharedWire, Wire } from './request.ts'
import { send } from './send.ts'
import { SharedFiles } from './shared-files.ts'

export interface ClientOptions {
  /** API key, if Kelvin requires one. */
  apiKey?: string
  /** Largest number of connections. Further calls wait for a free one. 16 by default. */
  connections?: number
  /** Time limit of a call with its retries, in milliseconds. 30,000 by default. */
  timeout?: number
  /** Number of retries after a 503. Each waits as long as Kelvin says. 3 by default. */
  retries?: number
  /** Certificates in PEM to trust, in addition to those of the system. */
  ca?: string
  /** Form of dense logits: `binary` sends raw bytes; `json` sends base64 in JSON, which is larger and slower. */
  wire?: 'binary' | 'json'
  /**
   * The directory in memory that Kelvin on the same machine has as SHARED_MEMORY_DIR, such as /dev/shm. The client writes dense
   * logits into files of this directory instead of sending them. Each call under way has one, so there are at most as many
   * files as connections. `close` removes them.
   */
  sharedMemory?: string
}

export interface CallOptions {
  /** Aborts the call, which then rejects with the reason of the signal. */
  signal?: AbortSignal
  /** Time limit of this call in milliseconds. Omitted: that of the client. */
  timeout?: number
  /** Headers of the request, such as `x-request-id` or `traceparent`. */
  headers?: Record<string, string>
}

export interface Transport {
  /** Sends a request, and returns the JSON of the answer. A request that is not repeatable is never retried. */
  post(wire: Wire | SharedWire, isRepeatable: boolean, call?: CallOptions): Promise<unknown>
  close(): Promise<void>
}

const UNIX = /^unix:(?:\/\/)?(\/.*)$/

/** Random part of the pause, so that clients refused together do not return together. */
const SPREAD = 0.25

/** The pause that a server asks for before a retry, in milliseconds. */
function pauseOf(headers: IncomingHttpHeaders): number {
  const { 'retry-after-ms': exact, 'retry-after': header } = headers
  // Kelvin's own header is in milliseconds, and already has a random part.
  if (exact !== undefined && Number.isFinite(Number(exact))) return Number(exact)
  const seconds = Number(header ?? 1)
  const pause = Number.isFinite(seconds)
    ? 1000 * seconds
    : Math.max(0, Date.parse(String(header)) - Date.now()) || 0
  return pause * (1 + SPREAD * Math.random())
}

/** Opens connections to one server, over TCP or, with a URL such as unix:/run/kelvin/kelvin.sock, a Unix socket. */
export function openTransport(
  url: string,
  { apiKey, connections = 16, timeout = 30_000, retries = 3, ca, sharedMemory }: ClientOptions,
): Transport {
  const socketPath = UNIX.exec(url)?.[1]
  const { origin, pathname } = new URL(socketPath ? 'http://localhost' : url)
  const pool = new Pool(origin, {
    connections,
    ...(socketPath && { socketPath }),
    ...(ca && { connect: { ca } }),
  })
  const files = sharedMemory === undefined ? undefined : new SharedFiles(sharedMemory, connections)
  const base = pathname.replace(/\/$/, '')
  const own = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }

  async function attempt(wire: Wire, isRepeatable: boolean, given: object, signal: AbortSignal) {
    const path = base + wire.path
    const headers = { ...own, ...given, 'content-type': wire.type }
    for (let left = isRepeatable ? retries : 0; ; left--) {
      const answer = await send(pool, { path, headers, body: wire.body }, signal)
      const { status, text } = answer
      if (status === 200) return JSON.parse(text) as unknown
      const error = toError(status, text)
      if (status !== 503 || left === 0) throw error
      await setTimeout(pauseOf(answer.headers), undefined, { signal })
    }
  }

  async function post(wire: Wire | SharedWire, isRepeatable: boolean, call: CallOptions = {}) {
    call.signal?.throwIfAborted()
    // AbortSignal.timeout would stay in memory until its time has passed, and a generation makes thousands of calls.
    const control = new AbortController()
    const abort = () => control.abort()
    const limit = call.timeout ?? timeout
    const timer = startTimeout(abort, limit)
    const ask = (asked: Wire) => attempt(asked, isRepeatable, call.headers ?? {}, control.signal)
    call.signal?.addEventListener('abort', abort)
    try {
      if ('body' in wire) return await ask(wire)
      return await files!.lend(wire.logits, control.signal, (file) => ask(wire.naming(file)))
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason
      if (error instanceof KelvinError) throw error
      if (control.signal.aborted) throw new KelvinError('TIMEOUT', `No answer in ${limit} ms`)
      const { message } = error as Error
      if (error instanceof SyntaxError)
        throw new KelvinError('BAD_ANSWER', message, { status: 200 })
      throw new KelvinError('CONNECTION_FAILED', `Cannot reach ${url}: ${message}`, {
        cause: error,
      })
    } finally {
      clearTimeout(timer)
      call.signal?.removeEventListener('abort', abort)
    }
  }

  async function close() {
    await files?.close()
    await pool.close()
  }

  return { post, close }
}
