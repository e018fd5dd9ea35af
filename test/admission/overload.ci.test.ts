import { expect, it } from 'vitest'
import { prepare } from '../../bench/client.ts'
import { closedLoop, openLoop, probe, quantile } from '../../bench/load.ts'
import { startServer } from '../../bench/processes.ts'
import { loadConfig } from '../../src/config.ts'

/** The overload as a multiple of the capacity. The README of bench/ has the figures of a longer run. */
const TIMES = 10
const SECONDS = 4

it('under overload, answers what it can and refuses the rest', async () => {
  const server = await startServer('src/server.ts', '0')
  const draws = { logits: Array.from({ length: 64 }, (_, i) => i / 10), n: 20_000, seed: 1 }
  const body = Buffer.from(JSON.stringify({ ...draws, return_probabilities: 'none' }))
  const request = prepare('/v1/sample', 'application/json', body)
  await closedLoop(server, 1, request, 1)
  const full = (await closedLoop(server, 4, request, 2)).get(200)!.length / 2
  const before = server.memory()
  const [pressed, probed] = await Promise.all([
    openLoop(server, TIMES * full, request, SECONDS),
    probe(server, SECONDS),
  ])
  const answered = pressed.get(200)!
  expect([...pressed.keys()].sort()).toEqual([200, 503])
  expect(answered.length / SECONDS).toBeGreaterThan(full / 4)
  // No request waits for much longer than twice MAX_QUEUE_MS.
  expect(quantile(answered, 0.99)).toBeLessThan(2.5 * loadConfig({}).MAX_QUEUE_MS)
  // Refusals and probes do not wait in the queue.
  expect(quantile(pressed.get(503), 0.5)).toBeLessThan(quantile(answered, 0.5) / 5)
  expect(quantile(probed.get(200), 0.5)).toBeLessThan(quantile(answered, 0.5) / 5)
  expect(server.memory() - before).toBeLessThan(2 ** 28)
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const again = (await closedLoop(server, 4, request, 2)).get(200)!.length / 2
  expect(again).toBeGreaterThan(0.6 * full)
  await server.stop()
}, 60_000)
