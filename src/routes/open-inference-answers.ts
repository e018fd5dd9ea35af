import type { FastifyReply } from 'fastify'
import { errorResponses, jsonContent } from '../plugins/openapi.ts'
import { InferError, statusOf } from '../protocols/open-inference/protocol.ts'

/** What the answers of all routes of the Open Inference Protocol share. */

export const tags = ['open inference']

/** The errors of a route, for its documentation. */
export const failuresAt = (...answered: number[]) =>
  errorResponses(answered, jsonContent(InferError), statusOf)

/** Clients of the protocol compare the content type with exactly `application/json`, without a charset. */
export function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(value)))
}
