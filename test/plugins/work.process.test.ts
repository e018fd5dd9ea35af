import { existsSync, readFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { askWithoutReading } from '../http.ts'
import { startServer } from '../server.ts'

it.runIf(existsSync('/proc/self/status'))(
  'a client that reads nothing takes little memory, and is logged',
  async () => {
    const server = await startServer({ MAX_QUEUE_MS: '60000' })
    onTestFinished(() => server.stop() as Promise<unknown> as Promise<void>)
    const resident = () => {
      const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8')
      return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1])
    }
    const ask = () => {
      const logits = new Array(32).fill([1, 2, 3])
      const request = { logits, n: 65_536, return_probabilities: 'none', seed: 1 }
      return askWithoutReading(
        server.where,
        '/v1/sample',
        { 'content-type': 'application/json' },
        JSON.stringify(request),
      )
    }
    const before = resident()
    const sockets = await Promise.all(Array.from({ length: 8 }, ask))
    // In memory as a whole, these answers would take 600 MB.
    expect(resident() - before).toBeLessThan(300 * 2 ** 20)
    for (const socket of sockets) socket.destroy()
    const aborted = () => server.lines.filter((line) => line.includes('"msg":"aborted"')).length
    await expect.poll(aborted).toBe(sockets.length)
    expect(server.lines.join()).not.toContain('broken off')
  },
)
