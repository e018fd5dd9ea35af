import { resultsOf } from '../src/sampling/sample.ts'
import { realisticRow, seeded } from '../test/sampling/rows.ts'
import { median, type Params, requestOf } from './measure.ts'

/**
 * Runs the samplers of @huggingface/transformers, the usual choice in JavaScript, on the same rows. Compares the time,
 * and the error of the logprob of the drawn token.
 */

const V = 128_256
const ROUNDS = 25

interface Config {
  do_sample: boolean
  num_beams: number
  top_k: number
}

const scenarios: { name: string; params: Params; config: Config; temperature: number }[] = [
  {
    name: 'greedy',
    params: { temperature: 0 },
    config: { do_sample: false, num_beams: 1, top_k: 0 },
    temperature: 1,
  },
  {
    name: 'temperature 0.8',
    params: { temperature: 0.8 },
    config: { do_sample: true, num_beams: 1, top_k: 0 },
    temperature: 0.8,
  },
  {
    name: 'temperature 0.8, top-k 40',
    params: { temperature: 0.8, top_k: 40 },
    config: { do_sample: true, num_beams: 1, top_k: 40 },
    temperature: 0.8,
  },
]

const source = new URL('node_modules/@huggingface/transformers/src/', import.meta.url)

async function load() {
  try {
    const samplers = await import(new URL('generation/logits_sampler.js', source).href)
    const processors = await import(new URL('generation/logits_process.js', source).href)
    const tensors = await import(new URL('utils/tensor.js', source).href)
    return { ...samplers, ...processors, ...tensors }
  } catch (error) {
    console.log(`\nNot compared with @huggingface/transformers (npm ci --prefix bench): ${error}`)
    return undefined
  }
}

/** The logprob of a token among the `kept` most likely, in float64. */
function exactLogprob(logits: Float32Array, id: number, temperature: number, kept: number): number {
  const ranked = Float64Array.from(logits)
    .sort()
    .reverse()
    .subarray(0, kept || undefined)
  const max = ranked[0]!
  const total = ranked.reduce((sum, logit) => sum + Math.exp((logit - max) / temperature), 0)
  return (logits[id]! - max) / temperature - Math.log(total)
}

async function clock(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1000
}

export async function compare(): Promise<void> {
  const library = await load()
  if (!library) return
  const random = seeded(V)
  const rows = Array.from({ length: 5 }, () => realisticRow(V, random))
  console.log('\n| against @huggingface/transformers | its µs | ours | times | its error | ours |')
  console.log('| --- | --- | --- | --- | --- | --- |')
  for (const { name, params, config, temperature } of scenarios) {
    const sampler = library.LogitsSampler.getSampler(config)
    const warper = new library.TemperatureLogitsWarper(temperature)
    const theirs: number[] = []
    const ours: number[] = []
    let theirError = 0
    let ourError = 0
    for (let round = -5; round < ROUNDS; round++) {
      const logits = rows[(round + 5) % rows.length]!
      let drawn: [bigint, number][] = []
      const taken = await clock(async () => {
        const tensor = new library.Tensor('float32', logits.slice(), [1, V])
        if (temperature !== 1) warper([[]], tensor)
        drawn = await sampler(tensor)
      })
      const request = requestOf(logits, params, round + 5)
      let own = { token_ids: [0], logprobs: [0] }
      const ownTaken = await clock(() => {
        for (const result of resultsOf([request])) own = result.drawn!
      })
      if (round < 0) continue
      theirs.push(taken)
      ours.push(ownTaken)
      if (!config.do_sample) continue
      const [id, logprob] = drawn[0]!
      const off = (token: number, value: number) =>
        Math.abs(value - exactLogprob(logits, token, temperature, config.top_k))
      theirError = Math.max(theirError, off(Number(id), logprob))
      ourError = Math.max(ourError, off(own.token_ids[0]!, own.logprobs[0]!))
    }
    const times = (median(theirs) / median(ours)).toFixed(0)
    console.log(
      `| ${name} | ${median(theirs).toFixed(0)} | ${median(ours).toFixed(1)} | ${times} | ` +
        `${theirError.toExponential(1)} | ${ourError.toExponential(1)} |`,
    )
  }
}
