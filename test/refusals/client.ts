import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { connect as connectSecurely } from 'node:tls'
import type { Where } from '../http.ts'

export const MIB = 2 ** 20

/** Bytes that are invalid JSON from the first on. */
export const piece = Buffer.alloc(MIB, ']')

export const CLOSE = 'connection: close\r\n'

export interface Answer {
  status: number
  headers: string
  body: string
}

/** A connection that keeps sending after the server has ended its side, as most clients do. */
export class Client {
  readonly socket: Socket
  /** The server sends no more. */
  readonly ended: Promise<unknown>
  readonly closed: Promise<unknown>
  received = ''

  constructor(where: Where, isSecure = false) {
    const options = { allowHalfOpen: true, ...where }
    this.socket = isSecure
      ? connectSecurely({ ...options, rejectUnauthorized: false })
      : connect(options as NetConnectOpts)
    this.socket.on('error', () => {})
    this.ended = new Promise((resolve) => this.socket.once('end', resolve))
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.setEncoding('latin1').on('data', (text) => {
      this.received += text
    })
  }

  /** Resolves when more can be written, or when the connection is closed. */
  async write(bytes: string | Uint8Array): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return
    const drained = new Promise((resolve) => this.socket.once('drain', resolve))
    await Promise.race([drained, this.closed])
  }

  /** Sends a request of this many bytes. Reads nothing before all is sent. */
  async send(head: string, bytes: number, isChunked: boolean): Promise<void> {
    this.socket.pause()
    const framing = isChunked ? 'transfer-encoding: chunked' : `content-length: ${bytes}`
    await this.write(`${head}${framing}\r\n\r\n`)
    for (let left = bytes; left > 0; left -= MIB) {
      const part = piece.subarray(0, Math.min(left, MIB))
      if (isChunked) await this.write(`${part.length.toString(16)}\r\n`)
      await this.write(part)
      if (isChunked) await this.write('\r\n')
    }
    if (isChunked) await this.write('0\r\n\r\n')
    this.socket.resume()
  }

  async answer(): Promise<Answer> {
    for (const end = performance.now() + 5000; performance.now() < end; await setTimeout(2)) {
      const answer = this.#read()
      if (answer) return answer
    }
    throw new Error(`No answer, only ${JSON.stringify(this.received)}`)
  }

  #read(): Answer | undefined {
    const end = this.received.indexOf('\r\n\r\n') + 4
    const headers = this.received.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(headers)?.[1] ?? 0)
    if (end < 4 || this.received.length < end + length) return undefined
    const body = this.received.slice(end, end + length)
    this.received = this.received.slice(end + length)
    return { status: Number(headers.slice(9, 12)), headers, body }
  }
}
