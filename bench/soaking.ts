import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type NetConnectOpts } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { Client, type Dispatcher } from 'undici'
import { realisticRow, seeded } from '../test/sampling/rows.ts'

/** A mixed load for a running server, and a measurement of what the server holds afterwards. */

export interface Kind {
  name: string
  path: string
  headers: Record<string, string>
  body: Buffer
  expected: number
}

const random = seeded(7)
const row = (vocabSize: number) => realisticRow(vocabSize, random)
const bytesOf = (values: Float32Array) => Buffer.from(values.buffer as ArrayBuffer)

function json(name: string, request: object, expected = 200, path = '/v1/sample'): Kind {
  const body = Buffer.from(JSON.stringify(request))
  return { name, path, headers: { 'content-type': 'application/json' }, body, expected }
}

function octets(name: string, query: string, body: Buffer, expected = 200): Kind {
  const headers = { 'content-type': 'application/octet-stream' }
  return { name, path: `/v1/sample?seed=1&${query}`, headers, body, expected }
}

function infer(values: Float32Array): Kind {
  const input = { name: 'logits', shape: [1, values.length], datatype: 'FP32' }
  const described = { ...input, parameters: { binary_data_size: values.byteLength } }
  const header = Buffer.from(JSON.stringify({ inputs: [described], parameters: { seed: 1 } }))
  return {
    name: 'infer, binary, V = 32,000',
    path: '/v2/models/sample/infer',
    headers: { 'inference-header-content-length': String(header.length) },
    body: Buffer.concat([header, bytesOf(values)]),
    expected: 200,
  }
}

/** Requests of all sizes and transports, some of them invalid. All have a seed, so their answers never change. */
export function kindsOfRequests(): Kind[] {
  const [small, medium, large] = [row(512), row(32_000), row(128_256)]
  const shared = { seed: 1, temperature: 0.8, top_p: 0.95, top_logprobs: 5 }
  const fives = { logits: [2, 1, 0.5, -1, -3], ...shared }
  const tensor = { dtype: 'float32', shape: [32_000], data: bytesOf(medium).toString('base64') }
  const zipped = json('JSON, gzip', { logits: Array.from(small), ...shared })
  const chain = 'temperature=0.8&top_k=40&top_p=0.95'
  return [
    json('JSON, V = 5', { ...fives, trace: true }),
    json('JSON, V = 512', { logits: Array.from(small), ...shared }),
    json('JSON, V = 32,000', { logits: Array.from(medium), ...shared }),
    json('base64, V = 32,000', { logits: tensor, ...shared }),
    json('sparse', { logits: { vocab_size: 99, token_ids: [1, 5], values: [2, 1] }, ...shared }),
    json('a batch', { ...fives, logits: Array.from({ length: 64 }, () => fives.logits) }),
    json('an answer in pieces', {
      logits: [fives.logits, fives.logits, fives.logits],
      n: 20_000,
      seed: 1,
    }),
    json(
      'too much work',
      { logits: new Array(4096).fill([1, 2]), banned_token_ids: new Array(200_000).fill(0) },
      422,
    ),
    json('all probabilities', { ...fives, logits: tensor, return_probabilities: 'all' }),
    {
      ...zipped,
      headers: { ...zipped.headers, 'content-encoding': 'gzip' },
      body: gzipSync(zipped.body),
    },
    octets('octets, V = 128,256', chain, bytesOf(large)),
    octets(
      'octets, float16',
      `dtype=float16&${chain}`,
      Buffer.from(new Float16Array(medium).buffer),
    ),
    infer(medium),
    json('no logits', { seed: 1 }, 400),
    json('no JSON', [], 400),
    octets('octets, too few', 'shape=9', Buffer.alloc(8), 400),
    json('a mask of all', { ...fives, allowed_token_ids: [] }, 422),
    { ...json('another type', {}), headers: { 'content-type': 'text/plain' }, expected: 415 },
    { ...json('nowhere', {}), path: '/nowhere', expected: 404 },
  ]
}

export type Where = { port: number } | { path: string }

function open(where: Where): Client {
  const origin = `http://127.0.0.1:${'port' in where ? where.port : 80}`
  return new Client(origin, 'path' in where ? { socketPath: where.path } : {})
}

async function send(client: Client, { path, headers, body }: Kind): Promise<[number, Buffer]> {
  const request = { method: 'POST', path, headers, body } as Dispatcher.RequestOptions
  const answer = await client.request(request)
  return [answer.statusCode, Buffer.from(await answer.body.arrayBuffer())]
}

/** The answers to all valid kinds, in base64. */
export async function answersTo(where: Where, kinds: readonly Kind[]): Promise<string[]> {
  const client = open(where)
  const answers: string[] = []
  for (const kind of kinds.filter(({ expected }) => expected === 200)) {
    const [status, answer] = await send(client, kind)
    if (status !== 200) throw new Error(`${kind.name}: got ${status}`)
    answers.push(answer.toString('base64'))
  }
  await client.close()
  return answers
}

export interface Tally {
  sent: number
  refused: number
  /** Kinds whose answer had an unexpected status. */
  unexpected: Set<string>
}

/** Sends requests of all kinds one after the other, until `most` are sent or until the time `end`. */
export async function drive(
  where: Where,
  kinds: readonly Kind[],
  end: number,
  most: number,
  tally: Tally,
) {
  const client = open(where)
  for (let i = 0; performance.now() < end && tally.sent < most; i++) {
    const kind = kinds[(7 * i) % kinds.length]!
    const [status] = await send(client, kind)
    tally.sent++
    if (status === 503) {
      tally.refused++
      await setTimeout(50)
    } else if (status !== kind.expected) tally.unexpected.add(`${kind.name}: ${status}`)
  }
  await client.close()
}

/** Clients that disconnect: before a request, in its head, in its body, or before its answer. */
export async function disturb(where: Where, kinds: readonly Kind[], end: number): Promise<void> {
  for (let i = 0; performance.now() < end; i++) {
    const { path, body, headers } = kinds[i % kinds.length]!
    const lines = Object.entries({ host: 'x', ...headers, 'content-length': body.length })
    const head = `POST ${path} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`
    const whole = Buffer.concat([Buffer.from(head), body])
    const socket = connect({ host: '127.0.0.1', ...where } as NetConnectOpts)
    socket.on('error', () => {})
    const parts = [0, head.length / 2, head.length + body.length / 2, whole.length]
    socket.write(whole.subarray(0, parts[i % parts.length]!))
    await setTimeout(20)
    socket.destroy()
  }
}

/** What a process holds: memory in bytes, and numbers of open sockets and other descriptors. No figures without /proc. */
export function holdings(pid: number) {
  if (!existsSync(`/proc/${pid}/fd`)) return { memory: Number.NaN, sockets: 0, others: 0 }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const open = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return []
    }
  })
  const sockets = open.filter((target) => target.startsWith('socket:')).length
  const memory = 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)![1])
  return { memory, sockets, others: open.length - sockets }
}
