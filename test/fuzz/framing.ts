import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'

/** What Node's own HTTP server makes of some bytes: which requests are there as a whole. */
export interface Framing {
  complete: number
  hasHead: boolean
}

/** How long it may take to look, in milliseconds; too short a time counts too few requests. */
const LOOK = 10

/** A server that is as patient with heads and bodies as Node is by default, and answers nothing of note. */
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
