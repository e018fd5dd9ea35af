import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { pace } from '../protocols/pace.ts'
import { joinBytes } from '../sampling/bytes.ts'

type Parts = readonly string[] | readonly Uint8Array[]

/** An answer longer than this, in bytes, is sent in its parts. */
const LONG = 2 ** 20

/** What Fastify is to send: an answer as a whole, or a long one part by part. */
export function toPayload(reply: FastifyReply, parts: Parts) {
  let length = 0
  for (const part of parts) length += Buffer.byteLength(part)
  if (length > LONG) {
    reply.header('content-length', length)
    return Readable.from(inTurns(parts))
  }
  return isText(parts) ? parts.join('') : joinBytes({ pieces: parts, length })
}

function isText(parts: Parts): parts is readonly string[] {
  return typeof parts[0] === 'string'
}

/**
 * Parts as they are sent: all at once would take twice the room, and long, which a client that reads as
 * fast as this writes would make it even so.
 */
async function* inTurns(parts: Parts) {
  for (const part of parts) {
    yield typeof part === 'string' ? Buffer.from(part) : part
    const turn = pace()
    if (turn) await turn
  }
}
