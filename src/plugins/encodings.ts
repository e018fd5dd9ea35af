import { negotiate } from '@fastify/accept-negotiator'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Chooses the content encoding that the client prefers, or `identity` if it accepts none, and sets the headers. */
export function chooseEncoding(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  encodings: readonly string[],
): string {
  const accepted = String(headers['accept-encoding'] ?? '').toLowerCase()
  const encoding = negotiate(accepted, [...encodings, 'identity']) ?? 'identity'
  reply.header('vary', 'accept-encoding')
  if (encoding !== 'identity') reply.header('content-encoding', encoding)
  return encoding
}
