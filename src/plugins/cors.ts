import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** Lets pages of these origins send requests, and read what answers say in headers. */
export async function registerCors(app: FastifyInstance, origins: string[]): Promise<void> {
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : origins,
    methods: ['GET', 'POST'],
    exposedHeaders: [
      'inference-header-content-length',
      'retry-after',
      'retry-after-ms',
      'server-timing',
      'x-dtype',
      'x-request-id',
      'x-shape',
      'x-warnings',
    ],
    maxAge: 600,
    strictPreflight: false,
  })
}
