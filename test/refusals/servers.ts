import { readFileSync } from 'node:fs'
import { startServer } from '../server.ts'

/** Servers that refuse requests whatever their bodies are, by the reason. */
const environments = {
  open: {},
  small: { MAX_BODY_BYTES: '65536' },
  keyed: { API_KEYS: 'a-key-that-nobody-guesses' },
} as const

export interface Refusal {
  server: keyof typeof environments
  name: string
  /** `{columns}` stands for a quarter of the body's bytes, divided by the rows. */
  path: string
  headers: Record<string, string>
  /** The status of the answer. A body beyond the limit may get a 413 instead. */
  status: number
}

export const refusals: readonly Refusal[] = JSON.parse(
  readFileSync(new URL('refusals.json', import.meta.url), 'utf8'),
)

/** All servers, and a function that stops them. */
export async function startServers() {
  const started = await Promise.all(
    Object.entries(environments).map(async ([name, environment]) => {
      return [name, await startServer(environment)] as const
    }),
  )
  const servers = Object.fromEntries(started) as Record<
    Refusal['server'],
    Awaited<ReturnType<typeof startServer>>
  >
  async function stop(): Promise<void> {
    await Promise.all(Object.values(servers).map((server) => server.stop()))
  }
  return { servers, stop }
}
