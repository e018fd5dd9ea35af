import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Server, startServer } from '../server.ts'
import { spent } from '../spent.ts'

let server: Server
beforeAll(async () => {
  const holds = new URL('holds.ts', import.meta.url).href
  server = await startServer({ NODE_OPTIONS: `--import=${holds}` })
})
afterAll(() => server.stop())

const vocabSize = 128_256
const rows = 24
const row = Float32Array.from({ length: vocabSize }, (_, id) => Math.fround(Math.sin(id) * 12))
const rowText = JSON.stringify(Array.from(row))
const tensor = Buffer.concat(new Array(rows).fill(new Uint8Array(row.buffer)))
const shape = [rows, vocabSize]
const json = 'application/json'
const batch = (count: number) => `[${new Array(count).fill(rowText).join(',')}]`
const filled = (text: string, bytes = 60e6) => text.repeat(bytes / text.length)

async function send(
  url: string,
  type: string,
  body: string | Buffer<ArrayBuffer>,
): Promise<number> {
  const headers = { 'content-type': type }
  const response = await fetch(server.url + url, { method: 'POST', headers, body })
  await response.arrayBuffer()
  return response.status
}

/** The longest time in milliseconds that the event loop of the server was blocked meanwhile. */
async function longestHold(work: () => Promise<unknown>): Promise<number> {
  const before = server.lines.length
  await work()
  // The time of a turn is logged in the next turn.
  await (await fetch(`${server.url}/livez`)).arrayBuffer()
  const held = server.lines.slice(before).map((line) => JSON.parse(line).held ?? 0)
  return Math.max(0, ...held)
}

/** The time in milliseconds that this machine takes to sort the numbers of a row. */
const sorting = spent(() => row.toSorted())

/** Without slices, each of these would block others for hundreds of milliseconds. */
describe('a request of any size lets others have their turn', () => {
  it.each<[string, number, string, string, () => string | Buffer<ArrayBuffer>]>([
    ['JSON numbers', 200, '/v1/sample', json, () => `{"logits":${batch(rows)}}`],
    [
      'base64',
      200,
      '/v1/sample',
      json,
      () =>
        JSON.stringify({ logits: { dtype: 'float32', shape, data: tensor.toString('base64') } }),
    ],
    ['octets', 200, `/v1/sample?shape=${shape}`, 'application/octet-stream', () => tensor],
    ['a long answer', 200, '/v1/probabilities', json, () => `{"logits":${batch(8)}}`],
    ['one text', 400, '/v1/sample', json, () => `{"logits":"${filled('\\n')}"}`],
    ['one number', 413, '/v1/sample', json, () => `{"logits":[${filled('1')}]}`],
    ['unknown keys', 400, '/v1/sample', json, () => `{${filled('"x":1,')}"x":1}`],
    ['token ids', 413, '/v1/sample', json, () => `{"logit_bias":{${filled('"7":1,')}"7":1}}`],
    ['lists', 413, '/v1/sample', json, () => `{"logits":[${filled('[],')}[]]}`],
    ['levels', 400, '/v1/sample', json, () => filled('[')],
    ['space', 200, '/v1/sample', json, () => `{"logits":${filled(' ')}[1]}`],
    ['a wide number last', 413, '/v1/sample', json, () => `{"logits":[${filled('1,')}0.1]}`],
    ['"-Infinity"', 422, '/v1/sample', json, () => `{"logits":[${filled('"-Infinity",')}1]}`],
  ])('%s', async (_, status, url, type, make) => {
    const body = make()
    const holds: number[] = []
    for (let run = 0; run < 3; run++) {
      holds.push(
        await longestHold(async () => {
          expect(await send(url, type, body)).toBe(status)
        }),
      )
    }
    // The least time counts, because garbage collection and compilation only add.
    expect(Math.min(...holds)).toBeLessThan(5 * sorting)
  })
})
