import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/**
 * A bare `node:http` server, which does the least that a server can do with a body. `BODY` says what: `drop` it, `copy` it
 * into WebAssembly memory and free it, or `parse` it as JSON.
 */

type Take = (request: IncomingMessage, answer: (body: object) => void) => void

/** As much as Kelvin answers for a large row. */
const result = { token_ids: [40_123], logprobs: [-0.8125], kept_count: 12, entropy: 1.25 }
const memory = new Uint8Array(new WebAssembly.Memory({ initial: 512 }).buffer)

const takes: Record<string, Take> = {
  drop(request, answer) {
    request.resume()
    request.once('end', () => answer(result))
  },
  copy(request, answer) {
    let length = 0
    request.on('data', (piece: Buffer<ArrayBuffer>) => {
      memory.set(piece, length)
      length += piece.length
      if (piece.buffer.byteLength === piece.length) piece.buffer.transfer(0)
    })
    request.once('end', () => answer(result))
  },
  parse(request, answer) {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.once('end', () => {
      const { logits } = JSON.parse(Buffer.concat(pieces).toString()) as { logits: number[] }
      // Kelvin answers the probabilities of a small vocabulary.
      answer({ ...result, ...(logits.length <= 1024 && { probabilities: logits.map(Math.exp) }) })
    })
  },
}
const take = takes[process.env.BODY!]!

function listener(request: IncomingMessage, response: ServerResponse): void {
  take(request, (answered) => {
    const body = JSON.stringify({ results: [answered], warnings: [] })
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    response.writeHead(200, headers).end(body)
  })
}

createServer(listener).listen(Number(process.env.PORT), '127.0.0.1')
createServer(listener).listen(process.env.SOCKET_PATH)
process.once('SIGTERM', () => process.exit(0))
