import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** Lets web pages of these origins send requests and read answers, including these headers. */
export async function registerCors(
  app: FastifyInstance,
  origins: readonly string[],
  headers: readonly string[],
): Promise<void> {
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'POST'],
    exposedHeaders: ['retry-after', 'retry-after-ms', 'server-timing', 'x-request-id', ...headers],
    maxAge: 600,
    strictPreflight: false,
  })
}
