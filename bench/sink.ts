import { createServer, type IncomingMessage } from 'node:http'

/**
 * A bare `node:http` server: the least that a server must do with a body. `BODY` says what it does: `drop` it, `copy` it
 * into WebAssembly memory and free it, or `parse` it as JSON. Its answer is as long as Kelvin's.
 */

type Take = (request: IncomingMessage, answer: (body: string) => void) => void

const results = JSON.stringify({
  results: [{ token_ids: [40_123], logprobs: [-0.8125], kept_count: 12, entropy: 1.25 }],
  warnings: [],
})
const memory = new Uint8Array(new WebAssembly.Memory({ initial: 512 }).buffer)

const takes: Record<string, Take> = {
  drop(request, answer) {
    request.resume()
    request.once('end', () => answer(results))
  },
  copy(request, answer) {
    let length = 0
    request.on('data', (piece: Buffer<ArrayBuffer>) => {
      memory.set(piece, length)
      length += piece.length
      if (piece.buffer.byteLength === piece.length) piece.buffer.transfer(0)
    })
    request.once('end', () => answer(results))
  },
  parse(request, answer) {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.once('end', () => {
      const { logits } = JSON.parse(Buffer.concat(pieces).toString()) as { logits: number[] }
      const result = { token_ids: [logits.length], logprobs: [-0.8125], kept_count: 12 }
      answer(JSON.stringify({ results: [{ ...result, entropy: logits[0]! }], warnings: [] }))
    })
  },
}
const take = takes[process.env.BODY!]!

const server = createServer((request, response) => {
  take(request, (body) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    response.writeHead(200, headers).end(body)
  })
})
const { PORT, SOCKET_PATH } = process.env
if (SOCKET_PATH === undefined) server.listen(Number(PORT), '127.0.0.1')
else server.listen(SOCKET_PATH)
process.once('SIGTERM', () => process.exit(0))
