import { negotiate } from '@fastify/accept-negotiator'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** The one of these content encodings that the client likes best; `identity` where it accepts none of them. */
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
