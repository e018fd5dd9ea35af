import type { FastifyInstance } from 'fastify'
import { afterAll } from 'vitest'
import { buildApp } from '../src/app.ts'
import { loadConfig } from '../src/config.ts'

/** The app of this environment, closed when the test file is over. */
export async function testApp(environment: Record<string, string> = {}): Promise<FastifyInstance> {
  const app = await buildApp(loadConfig({ LOG_LEVEL: 'silent', ...environment }))
  afterAll(() => app.close())
  await app.ready()
  return app
}
