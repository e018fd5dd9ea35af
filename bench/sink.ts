import { createServer } from 'node:http'

/** A bare server that reads and drops bodies. Its answer is as short as Kelvin's. */

const answer = JSON.stringify({
  results: [{ token_ids: [40_123], logprobs: [-0.8125], kept_count: 12, entropy: 1.25 }],
  warnings: [],
})
const headers = { 'content-type': 'application/json', 'content-length': answer.length }

const server = createServer((request, response) => {
  request.resume()
  request.once('end', () => response.writeHead(200, headers).end(answer))
})
server.listen(Number(process.env.PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit(0))
