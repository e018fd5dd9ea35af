import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startServer } from '../server.ts'

const body = JSON.stringify({ logits: Array.from({ length: 2000 }, (_, i) => i / 1000), seed: 1 })
const headers = { 'content-type': 'application/json', 'content-length': body.length }

/** Sends requests on one connection until the server is gone. Returns the answers. */
async function insist(url: string): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const statuses: number[] = []
  for (;;) {
    try {
      const call = request(`${url}/v1/sample`, { method: 'POST', agent, headers })
      call.end(body)
      const [response] = await once(call, 'response')
      // A truncated answer is an error here.
      await response.toArray()
      statuses.push(response.statusCode)
    } catch (error) {
      agent.destroy()
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ECONNRESET' && code !== 'ECONNREFUSED' && code !== 'EPIPE') throw error
      return statuses
    }
  }
}

it('loses no request that was accepted, over twenty restarts under load', async () => {
  for (let restart = 0; restart < 20; restart++) {
    const server = await startServer()
    const asking = Array.from({ length: 6 }, () => insist(server.url))
    await setTimeout(100 + 10 * restart)
    expect(await server.stop()).toBe(0)
    const answers = (await Promise.all(asking)).flat()
    const lines = server.lines.map((line) => JSON.parse(line))
    const accepted = lines.filter(({ msg, status }) => msg === 'request' && status === 200)
    expect(accepted.length).toBeGreaterThan(0)
    expect(answers.filter((status) => status === 200)).toHaveLength(accepted.length)
    expect(answers.filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(lines.filter(({ msg }) => msg === 'aborted')).toEqual([])
  }
}, 120_000)
