import { gzipSync } from 'node:zlib'

/** Four thousand rows with equal logits: quick to send, and half a second to compute. */
const body = gzipSync(Buffer.alloc(4096 * 4000))
const query = 'shape=4096,1000&typical_p=0.9&return_probabilities=none&seed=1'

/**
 * Keeps a server busy with as many clients as it computes at a time. Returns when all requests are under way, with a
 * function that ends this and returns their answers.
 */
export async function occupy(url: string, clients = 4): Promise<() => Promise<Set<number>>> {
  const headers = { 'content-type': 'application/octet-stream', 'content-encoding': 'gzip' }
  const statuses = new Set<number>()
  let isOver = false
  async function ask(): Promise<void> {
    while (!isOver) {
      const answer = await fetch(`${url}/v1/sample?${query}`, { method: 'POST', headers, body })
      await answer.arrayBuffer()
      statuses.add(answer.status)
    }
  }
  const asking = Array.from({ length: clients }, ask)
  // A test that fails stops its server, and never asks for the answers.
  for (const one of asking) one.catch(() => {})
  while ((await admitted(url)) < clients) await new Promise((resolve) => setTimeout(resolve, 5))
  return async () => {
    isOver = true
    await Promise.all(asking)
    return statuses
  }
}

export async function gauge(url: string, name: string): Promise<number> {
  return read(await metricsOf(url), name)
}

const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text()
const read = (metrics: string, name: string) =>
  Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])

/** The number of requests that are let in or wait. */
async function admitted(url: string): Promise<number> {
  const metrics = await metricsOf(url)
  return read(metrics, 'kelvin_inflight_requests') + read(metrics, 'kelvin_queued_requests')
}
