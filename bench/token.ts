import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Kelvin, type SampleParams } from '../src/client/index.ts'
import { resultsOf } from '../src/sampling/sample.ts'
import { realisticRow, seeded } from '../test/sampling/rows.ts'
import { quantile } from './load.ts'
import { median, requestOf } from './measure.ts'
import { isPinned, pinClient, startServer } from './processes.ts'

/**
 * Measures the time from logits in memory to a token id: sampled in this process, and through the client and a
 * server. The ways alternate token by token, so that noise affects all.
 */

const { values } = parseArgs({ options: { tokens: { type: 'string', default: '600' } } })
const TOKENS = Number(values.tokens)
/** Number of tokens before the measurement, in which code is optimised and connections are opened. */
const WARMING = 200
const ROWS = 8

const params = { temperature: 0.8, top_k: 40, top_p: 0.95 } as const
const wanted: SampleParams = { ...params, return_probabilities: 'none' }

const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kelvin-'))
const socket = join(folder, 'kelvin.sock')
pinClient()
const server = await startServer('src/server.ts', '0', {
  SOCKET_PATH: socket,
  SHARED_MEMORY_DIR: folder,
})
const url = `http://127.0.0.1:${server.port}`
const clients: Record<string, Kelvin> = {
  TCP: new Kelvin(url),
  'Unix socket': new Kelvin(`unix:${socket}`),
  'Unix socket, shared memory': new Kelvin(`unix:${socket}`, { sharedMemory: folder }),
  'TCP, JSON with base64': new Kelvin(url, { wire: 'json' }),
}

const where = isPinned ? 'server on core 0, client on core 1' : 'not pinned to cores'
console.log(`Node ${process.version}, ${cpus()[0]?.model}; ${where}; ${TOKENS} tokens each\n`)
console.log('| vocabulary | way | µs per token | quartiles | times in-process | tokens/s |')
console.log('| --- | --- | --- | --- | --- | --- |')

async function measure(vocabSize: number): Promise<void> {
  const random = seeded(vocabSize)
  const rows = Array.from({ length: ROWS }, () => realisticRow(vocabSize, random))
  // Parameters are checked before the measurement, because an engine checks them once per text.
  const requests = rows.map((row) => requestOf(row, params, 0))
  const ways: Record<string, (step: number) => number | Promise<number>> = {
    'in-process': (step) => {
      const request = requests[step % ROWS]!
      const address = { ...request.address!, step: BigInt(step) }
      const [result] = resultsOf([{ ...request, address }])
      return result!.drawn!.token_ids[0]!
    },
  }
  for (const [name, kelvin] of Object.entries(clients)) {
    ways[name] = async (step) => {
      const asked = { ...wanted, seed: 42, step }
      return (await kelvin.sample(rows[step % ROWS]!, asked)).token_ids[0]!
    }
  }
  // The model computed its logits in the file, so nobody copies them into it.
  writeFileSync(join(folder, 'rows'), Buffer.concat(rows.map((row) => new Uint8Array(row.buffer))))
  ways['Unix socket, logits of the model in shared memory'] = async (step) => {
    const offset = (step % ROWS) * 4 * vocabSize
    const shared_memory = { name: 'rows', offset }
    const logits = { dtype: 'float32', shape: [vocabSize], shared_memory } as const
    const asked = { ...wanted, seed: 42, step }
    return (await clients['Unix socket']!.sample(logits, asked)).token_ids[0]!
  }
  const times = new Map(Object.keys(ways).map((name): [string, number[]] => [name, []]))
  for (let step = 0; step < WARMING + TOKENS; step++) {
    const tokens = new Set<number>()
    for (const [name, draw] of Object.entries(ways)) {
      const since = performance.now()
      tokens.add(await draw(step))
      if (step >= WARMING) times.get(name)!.push(1000 * (performance.now() - since))
    }
    if (tokens.size > 1) throw new Error(`Step ${step} has tokens ${[...tokens]}`)
  }
  const base = median(times.get('in-process')!)
  for (const [name, all] of times) {
    const middle = median(all)
    const quartiles = `${quantile(all, 0.25).toFixed(0)}–${quantile(all, 0.75).toFixed(0)}`
    const cells = [
      vocabSize,
      name,
      middle.toFixed(0),
      quartiles,
      (middle / base).toFixed(1),
      (1e6 / middle).toFixed(0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

for (const vocabSize of [512, 32_000, 128_256]) await measure(vocabSize)
await Promise.all(Object.values(clients).map((kelvin) => kelvin.close()))
await server.stop()
rmSync(folder, { recursive: true })
process.exit(0)
