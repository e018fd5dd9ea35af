import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

/** Counts the complete requests that Node's HTTP server finds in some bytes. */
export interface Framing {
  complete: number
  hasHead: boolean
}

/** The time to count, in milliseconds. If it is too short, requests are missed. */
const LOOK = 10

/** A server with Node's default timeouts and a trivial answer. */
export async function framingOf(bytes: Buffer): Promise<Framing> {
  const found: Framing = { complete: 0, hasHead: false }
  const server = createServer((request, response) => {
    if (request.method === 'HEAD') found.hasHead = true
    request.on('end', () => {
      found.complete++
      response.end()
    })
    request.on('error', () => {})
    request.resume()
  })
  const connection = new Duplex({
    read() {},
    write(_piece, _encoding, done) {
      done()
    },
  })
  connection.on('error', () => {})
  server.emit('connection', connection)
  connection.push(bytes)
  await setTimeout(LOOK)
  connection.destroy()
  server.closeAllConnections()
  return found
}
