import { once } from 'node:events'
import { type RequestOptions, request } from 'node:http'
import { connect, type NetConnectOpts } from 'node:net'
import { text } from 'node:stream/consumers'

/** The address of a server, as options for node:net and node:http. */
export type Where = { port: number; host: string } | { path: string }

export function whereIs(url: string): Where {
  if (url.startsWith('/')) return { path: url }
  const { hostname, port } = new URL(url)
  return { port: Number(port), host: hostname }
}

/** Sends one request on a new connection, over TCP or a Unix socket. */
export async function ask(where: Where, path: string, body?: string) {
  const to: RequestOptions = 'path' in where ? { socketPath: where.path } : where
  const call = request({
    ...to,
    path,
    agent: false,
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    }),
  })
  call.end(body)
  const [response] = await once(call, 'response')
  return { status: response.statusCode as number, body: await text(response) }
}

/** A raw connection, with the bytes that have come, and whether it is closed. */
export async function open(where: Where) {
  const socket = connect(where as NetConnectOpts)
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  const connection = { socket, closed, answer: '' }
  socket.on('data', (chunk) => {
    connection.answer += chunk
  })
  return connection
}

const body = JSON.stringify({ logits: [1, 2, 3], seed: 1 })

/** Sends half of a request. Returns the other half. */
export async function halfSent(where: Where) {
  const connection = await open(where)
  const head = `POST /v1/sample HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  connection.socket.write(head + body.slice(0, 5))
  await new Promise((resolve) => setTimeout(resolve, 200))
  return Object.assign(connection, { rest: body.slice(5) })
}

/** Sends a request, and reads only the first bytes of its answer. */
export async function askWithoutReading(
  where: Where,
  path: string,
  headers: Record<string, string>,
  body: string | Buffer,
) {
  const socket = connect(where as NetConnectOpts)
  socket.on('error', () => {})
  const all = { host: 'localhost', 'content-length': body.length, ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
  socket.write(body)
  await once(socket, 'readable')
  return socket
}
