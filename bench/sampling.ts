import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { BLOCK, type kernel } from '../src/kernel/index.ts'
import { type RowRequest, resultsOf } from '../src/sampling/sample.ts'
import { realisticRow, seeded } from '../test/sampling/rows.ts'
import { compare } from './alternative.ts'
import { median, type Params, requestOf, time } from './measure.ts'

/**
 * Measures the time from a float32 row in memory to a drawn token, on one core. Times are noisy, but ratios are stable.
 * So each time is also printed as a multiple of one exponential pass of the kernel over the same row, interleaved with it.
 */

interface Scenario {
  name: string
  params: Params
  /** Number of tokens in the history, for penalties. */
  history?: number
  /** Target and time of llama.cpp at V = 128,256, in passes. */
  limit: number
  llama: number
}

const scenarios: Scenario[] = [
  { name: 'greedy', params: { temperature: 0 }, limit: 0.3, llama: 1.8 },
  { name: 'temperature', params: { temperature: 0.8 }, limit: 1.6, llama: 14 },
  {
    name: 'top-k 40, top-p, min-p, temperature',
    params: { top_k: 40, top_p: 0.95, min_p: 0.05, temperature: 0.8, profile: 'llama.cpp' },
    limit: 0.8,
    llama: 2,
  },
  { name: 'top-p 0.95', params: { top_p: 0.95 }, limit: 2.2, llama: 16 },
  { name: 'top-p 0.999', params: { top_p: 0.999 }, limit: 12, llama: 112 },
  { name: 'min-p 0.05', params: { min_p: 0.05 }, limit: 0.6, llama: 2.7 },
  { name: 'top-nσ 1', params: { top_n_sigma: 1 }, limit: 0.8, llama: 21 },
  { name: 'typical 0.95', params: { typical_p: 0.95 }, limit: 12, llama: 130 },
  { name: 'mirostat 2', params: { mirostat: 2 }, limit: 4, llama: 98 },
  {
    name: '64 penalised, top-k chain',
    params: {
      repetition_penalty: 1.1,
      frequency_penalty: 0.1,
      presence_penalty: 0.1,
      top_k: 40,
      top_p: 0.95,
      min_p: 0.05,
      temperature: 0.8,
      profile: 'llama.cpp',
    },
    history: 64,
    limit: 0.9,
    llama: 6.8,
  },
]

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '12' }, rounds: { type: 'string', default: '40' } },
})
const ROWS = Number(values.rows)
const ROUNDS = Number(values.rounds)

/** A second instance of the kernel, so that its rows stay in place when those of the pipeline move. */
function passesOver(vocabSize: number) {
  const binary = readFileSync(new URL('../src/kernel/kernel.wasm', import.meta.url))
  const memory = new WebAssembly.Memory({ initial: 64 })
  const module = new WebAssembly.Module(binary)
  const own = new WebAssembly.Instance(module, { env: { memory } })
    .exports as unknown as typeof kernel
  const blocks = Math.ceil(vocabSize / BLOCK)
  const row = (own.heapBase.value + 63) & ~63
  const maxima = row + blocks * BLOCK * 4
  const sums = maxima + ((blocks * 4 + 63) & ~63)
  const view = new Float32Array(memory.buffer, row, blocks * BLOCK).fill(Number.NEGATIVE_INFINITY)
  return (logits: Float32Array) => {
    view.set(logits)
    const max = own.scan(row, blocks, maxima)
    return time(() => {
      sink += own.sumExp(row, blocks, max, 1, sums)
    })
  }
}

let sink = 0
const draws = (request: RowRequest) => {
  for (const { drawn } of resultsOf([request])) sink += drawn!.token_ids[0]!
}

for (const vocabSize of [32_000, 128_256, 262_144]) {
  const random = seeded(vocabSize)
  const rows = Array.from({ length: ROWS }, () => realisticRow(vocabSize, random))
  const passOver = passesOver(vocabSize)

  const passes: number[] = []
  const exps: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const logits = rows[round % ROWS]!
    passes.push(passOver(logits))
    exps.push(
      time(() => {
        let sum = 0
        for (let i = 0; i < vocabSize; i++) sum += Math.exp(logits[i]! - 20)
        sink += sum
      }),
    )
  }
  const perEntry = (1000 * median(passes)) / vocabSize
  console.log(
    `\nV = ${vocabSize}: one pass ${median(passes).toFixed(1)} µs (${perEntry.toFixed(2)} ns per token); ` +
      `a Math.exp loop takes ${(median(exps) / median(passes)).toFixed(1)} passes`,
  )
  console.log(
    '| from row to token | µs | passes | target | llama.cpp |\n| --- | --- | --- | --- | --- |',
  )
  for (const scenario of scenarios) {
    const requests = rows.map((logits, step) =>
      requestOf(logits, scenario.params, step, scenario.history),
    )
    for (let i = 0; i < 300; i++) draws(requests[i % ROWS]!)
    const times: number[] = []
    const ratios: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const pass = passOver(rows[round % ROWS]!)
      const taken = time(() => draws(requests[round % ROWS]!))
      times.push(taken)
      ratios.push(taken / pass)
    }
    console.log(
      `| ${scenario.name} | ${median(times).toFixed(1)} | ${median(ratios).toFixed(2)} | ${scenario.limit} | ${scenario.llama} |`,
    )
  }
}
if (sink === Number.NEGATIVE_INFINITY) console.log(sink)
await compare()
