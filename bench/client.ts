import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * A keep-alive client that writes prepared bytes and reads answers by their length. It takes less time than any HTTP
 * client, so the bench compares the servers.
 */
export interface Connection {
  /** Sends a request, waits for the whole answer, and returns its status. */
  send(request: Buffer): Promise<number>
  /** Whether the server takes more requests on this connection. */
  readonly isOpen: boolean
  close(): void
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** Connects to a TCP port, or to the path of a Unix socket. */
export async function openConnection(at: number | string): Promise<Connection> {
  const socket: Socket = connect(
    typeof at === 'number' ? { port: at, host: '127.0.0.1', noDelay: true } : { path: at },
  )
  await once(socket, 'connect')
  let answered: PromiseWithResolvers<number> | undefined
  let head: Buffer = Buffer.alloc(0)
  let status = 0
  let isOpen = true
  /** Bytes of the body that are still to come; −1 before the head is complete. */
  let missing = -1

  socket.on('data', (piece: Buffer) => {
    if (missing >= 0) missing -= piece.length
    else {
      head = Buffer.concat([head, piece])
      const end = head.indexOf(END_OF_HEAD)
      if (end < 0) return
      const text = head.toString('latin1', 0, end)
      status = Number(text.slice(9, 12))
      isOpen = !/connection: close/i.test(text)
      missing = Number(/content-length: (\d+)/i.exec(text)?.[1]) - (head.length - end - 4)
    }
    if (missing > 0) return
    missing = -1
    head = Buffer.alloc(0)
    answered?.resolve(status)
  })
  socket.on('error', (error) => answered?.reject(error))
  socket.on('close', () => {
    isOpen = false
    answered?.reject(new Error('The server has closed the connection'))
  })

  return {
    send(request) {
      answered = Promise.withResolvers()
      socket.write(request)
      return answered.promise
    },
    get isOpen() {
      return isOpen
    },
    close: () => socket.destroy(),
  }
}

/** The bytes of a request, head and body. */
export function prepare(
  path: string,
  type: string,
  body: Buffer,
  headers: Record<string, string | number> = {},
): Buffer {
  const all = { host: '127.0.0.1', 'content-type': type, 'content-length': body.length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`), body])
}

/** Measurements of one interval. */
export interface Slice {
  /** Latency of each request, in milliseconds. */
  latencies: number[]
  seconds: number
}

/** Sends requests for some time, one after the other on each connection. */
export async function drive(
  connections: readonly Connection[],
  requests: readonly Buffer[],
  milliseconds: number,
): Promise<Slice> {
  const latencies: number[] = []
  const start = performance.now()
  let next = 0
  await Promise.all(
    connections.map(async (connection) => {
      let sent = performance.now()
      while (sent - start < milliseconds) {
        const status = await connection.send(requests[next++ % requests.length]!)
        if (status !== 200) throw new Error(`Got ${status}`)
        const now = performance.now()
        latencies.push(now - sent)
        sent = now
      }
    }),
  )
  return { latencies, seconds: (performance.now() - start) / 1000 }
}
