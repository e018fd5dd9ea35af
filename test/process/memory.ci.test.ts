import { existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { ask } from '../http.ts'
import { gauge } from '../occupy.ts'
import { startServer } from '../server.ts'

/** The heap limit that Node sets by itself in a container of 512 MiB. */
const HEAP = '--max-old-space-size=256 --max-semi-space-size=4'
/** As in the image. */
const malloc = Object.fromEntries(
  readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
    .matchAll(/(MALLOC_\w+)=(\d+)/g)
    .map(([, name, value]) => [name!, value!]),
)
/**
 * The most memory of the process, in MiB. About 60 are code in files. A machine with more memory than a container keeps
 * freed memory for longer.
 */
const MOST = 600

interface Attack {
  path?: string
  headers?: Record<string, string>
  body: Buffer
  /** The number of bytes that are sent. Omitted: all. */
  sent?: number
}

const octets = { 'content-type': 'application/octet-stream' }
const zipped = { 'content-encoding': 'gzip' }
const filled = (item: string, length: number) =>
  Buffer.from(`{"logits":[${item.repeat(length / item.length)}1]}`)
const short = `[${'1,'.repeat(59)}1],`

/** Requests that take far more memory than their length. Several clients send each, and read nothing. */
const attacks: Record<string, Attack> = {
  'short lists': { body: filled(short, 2 ** 25) },
  'lists of one': { body: filled('[1],', 2 ** 21), sent: 2 ** 20 },
  'numbers of 64 bits': {
    headers: zipped,
    body: gzipSync(Buffer.from(`{"logits":[0.1234567890123${',1'.repeat(2 ** 24)}]}`)),
  },
  zeros: {
    path: '/v1/sample?shape=64,262144',
    headers: { ...octets, ...zipped },
    body: gzipSync(Buffer.alloc(2 ** 26)),
  },
  'a tensor of all': {
    path: '/v1/probabilities?dtype=float16&shape=64,131072',
    headers: { ...octets, ...zipped, accept: 'application/octet-stream' },
    body: gzipSync(Buffer.alloc(2 ** 24)),
  },
  'the most likely of a large vocabulary': {
    path: '/v1/sample?shape=1048576&top_logprobs=262144',
    headers: { ...octets, ...zipped },
    body: gzipSync(Buffer.alloc(2 ** 22)),
  },
  draws: {
    body: Buffer.from(JSON.stringify({ logits: Array(30).fill([1, 2]), n: 40_000 })),
  },
}

const CLIENTS = 6
const SECONDS = 8

function highest(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

it.runIf(existsSync('/proc/self/status'))(
  'takes no more memory than a small container has, whatever is sent',
  async () => {
    const server = await startServer({ NODE_OPTIONS: HEAP, ...malloc })
    const { where } = server
    const end = performance.now() + 1000 * SECONDS

    async function attack({ path = '/v1/sample', headers, body, sent }: Attack): Promise<void> {
      const all = { host: 'x', 'content-type': 'application/json', ...headers }
      const lines = Object.entries({ ...all, 'content-length': body.length })
      const head = `POST ${path} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`
      while (performance.now() < end) {
        await new Promise<void>((resolve) => {
          const socket = connect(where as { port: number; host: string })
          const timer = setTimeout(() => socket.destroy(), end - performance.now())
          socket.on('error', () => {})
          socket.once('close', () => {
            clearTimeout(timer)
            resolve()
          })
          socket.pause()
          socket.write(head)
          socket.write(body.subarray(0, sent))
        })
      }
    }

    try {
      const each = Object.values(attacks)
      await Promise.all(
        each.flatMap((given) => Array.from({ length: CLIENTS }, () => attack(given))),
      )
      expect(server.process.exitCode).toBeNull()
      const body = JSON.stringify({ logits: [1, 2, 3] })
      const status = async () => (await ask(where, '/v1/sample', body)).status
      await expect.poll(status, { timeout: 5000 }).toBe(200)
      for (const name of ['inflight_bytes', 'inflight_requests', 'queued_requests']) {
        const read = () => gauge(server.url, `kelvin_${name}`)
        await expect.poll(read, { timeout: 5000 }).toBe(0)
      }
      expect(highest(server.process.pid!)).toBeLessThan(MOST)
    } finally {
      server.process.kill('SIGKILL')
    }
  },
  30_000,
)
