import type { FastifyInstance } from 'fastify'
import { afterAll } from 'vitest'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'

/** The app with these variables. It is closed after the last test of the file. */
export async function testApp(environment: Record<string, string> = {}): Promise<FastifyInstance> {
  const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent', ...environment }))
  afterAll(() => app.close())
  await app.ready()
  return app
}
