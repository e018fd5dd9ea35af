import { createHash } from 'node:crypto'
import { globSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type GoldenCase, readCases, readHistory, readRow } from '../golden/read.ts'
import { softmax } from './naive.ts'
import { type History, type Params, type Run, run } from './run.ts'

/**
 * Answers of the engines themselves, for real rows and edge cases. Under an engine's profile, each case must leave the
 * same tokens, with probabilities within a relative 2e-6.
 */

type Translate = (params: Record<string, unknown>, history: Required<History>) => Params

const same: Translate = (params) => params as Params

/** The files of cases of each engine, and the translation of their parameters to Kelvin's. */
const engines: Record<
  'transformers' | 'llama.cpp' | 'vllm',
  { absolute: number; files: Record<string, Translate> }
> = {
  transformers: {
    absolute: 0,
    files: {
      hf_temperature: same,
      hf_top_k: same,
      hf_top_p: same,
      hf_min_p: same,
      hf_typical_p: same,
      hf_top_h: same,
      hf_epsilon_cutoff: same,
      hf_eta_cutoff: same,
      hf_combo: same,
      hf_prefix_allowed: ({ allowed_tokens }) => ({ allowed_token_ids: allowed_tokens }),
      hf_suppress_tokens: ({ suppress_tokens }) => ({ banned_token_ids: suppress_tokens }),
      hf_sequence_bias: fromTransformers,
      hf_bad_words: fromTransformers,
      hf_min_length: fromTransformers,
      hf_min_new_tokens: fromTransformers,
      hf_exponential_decay: fromTransformers,
      hf_repetition_penalty: fromTransformers,
      hf_encoder_repetition_penalty: fromTransformers,
      hf_no_repeat_ngram: fromTransformers,
      hf_encoder_no_repeat_ngram: fromTransformers,
      hf_combo_context: fromTransformers,
      hf_remove_invalid_values: () => ({}),
      hf_renormalize_logits: () => ({}),
    },
  },
  'llama.cpp': {
    // Its logits are float32 at every step, so a tempered or biased logit of 100 has an error of 4e-6.
    absolute: 2e-6,
    files: {
      llama_dist: ({ seed, rng, ...params }) => fromLlama(params),
      llama_temp: fromLlama,
      llama_top_k: fromLlama,
      llama_top_p: fromLlama,
      llama_min_p: fromLlama,
      llama_typical: fromLlama,
      llama_top_n_sigma: fromLlama,
      llama_temp_ext: fromLlama,
      llama_xtc: fromLlama,
      llama_combo: fromLlama,
      llama_penalties: fromLlama,
      llama_dry: fromLlama,
      llama_combo_context: fromLlama,
      llama_logit_bias: ({ logit_bias }) => ({
        logit_bias: Object.fromEntries(
          (logit_bias as [number, number | string][]).map(([id, bias]) => [
            id,
            bias === '-inf' ? '-Infinity' : bias,
          ]),
        ),
      }),
    },
  },
  vllm: {
    absolute: 0,
    files: {
      vllm_temperature: same,
      vllm_top_k: same,
      vllm_top_p: same,
      vllm_min_p: same,
      vllm_combo: same,
      vllm_penalties: same,
      vllm_bad_words: ({ bad_words_token_ids }) => ({ bad_words_ids: bad_words_token_ids }),
      vllm_combo_context: same,
    },
  },
}

/** llama.cpp's names of samplers that differ from Kelvin's. */
const llamaNames: Record<string, string> = {
  temp: 'temperature',
  min_keep: 'min_tokens_to_keep',
  penalty_repeat: 'repetition_penalty',
  penalty_freq: 'frequency_penalty',
  penalty_present: 'presence_penalty',
  dry_sequence_breakers_tokens: 'dry_sequence_breakers',
}

function fromLlama(params: Record<string, unknown>): Params {
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [llamaNames[name] ?? name, value]),
  )
}

/** transformers counts prompt and output; Kelvin counts only the output. */
function fromTransformers(params: Record<string, unknown>, { prompt, output }: Required<History>) {
  const { eos_token_id, input_ids_seq_length, prompt_length, encoder_input_ids, ...given } = params
  const { min_length, min_new_tokens, prompt_ignore_length, suppress_tokens, ...others } = given
  const { sequence_bias, bad_words_ids, exponential_decay_length_penalty, ...rest } = others
  const { encoder_no_repeat_ngram_size, ...same } = rest
  const fields: Params = { ...same }
  if (sequence_bias) {
    fields.sequence_bias = (sequence_bias as [number[], number][]).map(([token_ids, bias]) => ({
      token_ids,
      bias,
    }))
  }
  if (bad_words_ids) fields.bad_words_ids = bad_words_ids as number[][]
  if (min_length) fields.min_tokens = Math.max(0, (min_length as number) - prompt.length)
  if (min_new_tokens) {
    const counted = (prompt_length as number) - prompt.length
    fields.min_tokens = (min_new_tokens as number) + counted
  }
  if (exponential_decay_length_penalty) {
    const [after, factor] = exponential_decay_length_penalty as [number, number]
    const start = after + (input_ids_seq_length as number) - prompt.length
    fields.exponential_decay_length_penalty = { start, factor }
  }
  if (prompt_ignore_length) {
    const length = prompt.length + output.length
    fields.penalty_last_n = Math.max(0, length - (prompt_ignore_length as number))
  }
  if (suppress_tokens) fields.banned_token_ids = suppress_tokens
  if (encoder_no_repeat_ngram_size) {
    // An n-gram of the encoder's tokens that must not be repeated is one of bad_words_ids.
    const n = encoder_no_repeat_ngram_size as number
    const tokens = encoder_input_ids as number[]
    fields.bad_words_ids = tokens.slice(n - 1).map((_, i) => tokens.slice(i, i + n))
  }
  return fields
}

/** The history of a case. The encoder's tokens are Kelvin's prompt. */
function historyOf({ input, params }: GoldenCase): Required<History> {
  const { prompt, output } = readHistory(input)
  const { encoder_input_ids, encoder_repetition_penalty, eos_token_id = [] } = params
  const encoded = encoder_repetition_penalty ? (encoder_input_ids as number[]) : prompt
  return { prompt: encoded, output, stop: [eos_token_id as number | number[]].flat(), state: {} }
}

/** Forty tokens of 1 / 40 each. 38 of them are 0.95, but a float32 sum may differ by rounding. */
const float32Boundaries = [
  ...[76, 77].map((n) => `llama/combo_context/${n}`),
  ...[71, 74, 101].map((n) => `llama/dist/${n}`),
]

/** llama.cpp divides logits of 10,000 by the temperature in float32, with an error of 5e-4. */
const float32Division = [91, 92].map((n) => `llama/dist/${n}`)

/** transformers replaces −∞ by −3.4e38, so tokens of probability 0 count as kept. In Kelvin −∞ is out of play. */
const unmasked = [2, 3, 9].map((n) => `hf/remove_invalid_values/${n}`)

/**
 * llama.cpp sums probabilities in float32. With 32,000 entries the error of this sum moves the cut of top_p. Kelvin has
 * the same rule with sums in float64; these cases have a test of their own.
 */
const float32Sums = [113, 114, 123, 130, 131, 132, 140, 141].map((n) => `llama/top_p/${n}`)

const numbered = (prefix: string, numbers: number[]) => numbers.map((n) => `${prefix}/${n}`)

/** Cases in which rounding in an engine violates its own rule. They have tests of their own below. */
const truncationApart = {
  /** top_h 1: by rounding, transformers' sum of all terms exceeds its entropy, so it removes a token. */
  entropyShare: numbered('hf/top_h', [4, 24, 29, 79, 116, 118, 124, 136]),
  /** llama.cpp computes p ln p in float32. If a p is 0, the entropy is NaN. */
  nothingTypical: numbered(
    'llama/typical',
    [89, 98, 99, 100, 101, 102, 103, 104, 110, 177, 178, 179, 180, 189, 190],
  ),
  /** 64 equally near tokens. One has the logit 1e-30, and llama.cpp's sort removes it. */
  equallyTypical: ['llama/typical/181'],
  /** llama.cpp sums 32,000 terms of the entropy in float32, or divides logits of 10,000 in float32. */
  float32Entropy: numbered('llama/temp_ext', [
    ...[72, 73, 74, 75, 78, 79, 80, 81, 84, 85, 86, 87, 90, 91, 92, 93],
    ...[180, 181, 182, 183, 184, 185],
  ]),
  /** llama.cpp's variance overflows float32, so it removes no token. */
  float32Variance: numbered('llama/top_n_sigma', [166, 167]),
}

/** Cases in which an engine's sort chooses among equal logits, not a rule. */
const tied: string[] = []

describe.each(Object.entries(engines))('%s', (engine, { absolute, files }) => {
  const profile = engine as keyof typeof engines
  describe.each(Object.entries(files))('%s', (file, translate) => {
    for (const golden of readCases(file)) {
      const { order, note, ...given } = golden.params
      const history = historyOf(golden)
      const params = translate(given, history)
      if (
        [...float32Sums, ...float32Boundaries, ...float32Division, ...unmasked].includes(golden.id)
      )
        continue
      if (Object.values(truncationApart).flat().includes(golden.id)) continue
      if (golden.result.tie_at_cut) tied.push(golden.id)
      it(golden.id, () => {
        const logits = readRow(golden.input)
        check(golden, logits, run(logits, { ...params, profile }, undefined, history), absolute)
      })
    }
  })
})

function check({ result }: GoldenCase, logits: Float32Array, answer: Run, absolute: number): void {
  if (result.tie_at_cut && Array.isArray(result.kept)) {
    const values = (ids: number[]) => ids.map((id) => logits[id]! + 0).sort((a, b) => a - b)
    expect(values(answer.ids)).toEqual(values(result.kept))
  } else if (result.tie_at_cut) {
    expect(answer.ids.length).toBe(result.kept_count)
  } else {
    const accepted = [result, result.f32_kept_differs].filter((kept) => kept !== undefined)
    expect(accepted.map((kept) => describeKept(kept, logits.length))).toContain(digest(answer.ids))
  }
  if (result.f32_kept_differs && answer.ids.length !== result.kept_count) return

  const byId = new Map(answer.ids.map((id, i) => [id, answer.probabilities[i]!]))
  const keptLogits = new Set(answer.ids.map((id) => logits[id]!))
  for (const [id, p] of result.top) {
    if (result.tie_at_cut && !byId.has(id) && keptLogits.has(logits[id]!)) continue
    expect(Math.abs(byId.get(id)! - p)).toBeLessThanOrEqual(2e-6 * p + absolute)
  }
  expect(Math.abs(answer.entropy - result.entropy)).toBeLessThanOrEqual(
    2e-6 * Math.max(1, result.entropy),
  )
}

/** The logits of these tokens, with all others masked. */
function only(ids: readonly number[], logits: Float32Array): Float32Array {
  const row = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY)
  for (const id of ids) row[id] = logits[id]!
  return row
}

interface Kept {
  kept_count: number
  kept?: number[] | 'all'
  kept_sha256?: string
}

function describeKept({ kept, kept_sha256 }: Kept, vocabSize: number): string {
  if (kept_sha256) return kept_sha256
  return digest(kept === 'all' ? Array.from({ length: vocabSize }, (_, id) => id) : kept!)
}

function digest(ids: number[]): string {
  return createHash('sha256').update(ids.join(',')).digest('hex')
}

const cases = (name: string, ids: readonly string[]) =>
  readCases(name).filter(({ id }) => ids.includes(id))

describe('if rounding decides in an engine, Kelvin has the rule in float64', () => {
  const { entropyShare, nothingTypical, equallyTypical, float32Entropy, float32Variance } =
    truncationApart

  it.each(cases('hf_top_h', entropyShare))(
    '$id: the terms do not exceed the whole entropy',
    (golden) => {
      const logits = readRow(golden.input)
      const { ids } = run(logits, { ...(golden.params as Params), profile: 'transformers' })
      const { ranking } = softmax(logits)
      expect(golden.params.top_h).toBe(1)
      expect(ids).toEqual(ranking.slice(0, 100).sort((a, b) => a - b))
      expect(golden.result.kept_count).toBe(ids.length - 1)
    },
  )

  it.each(cases('llama_typical', nothingTypical))('$id: the sum of p ln p', (golden) => {
    const logits = readRow(golden.input)
    const params = fromLlama(golden.params)
    const { ids } = run(logits, { ...params, profile: 'llama.cpp' })
    const { entropy, max, total, p, ranking } = softmax(logits)
    const apart = (id: number) => Math.abs(max - logits[id]! + Math.log(total) - entropy)
    const byDistance = ranking.sort((a, b) => apart(a) - apart(b) || a - b)
    let sum = 0
    const crossing = byDistance.findIndex((id) => {
      sum += p[id]!
      return sum > params.typical_p!
    })
    const count = Math.max(crossing + 1, params.min_tokens_to_keep!)
    expect(ids).toEqual(byDistance.slice(0, count).sort((a, b) => a - b))
    expect(ids.length).not.toBe(golden.result.kept_count)
  })

  it.each(cases('llama_typical', equallyTypical))('$id: 13 of 64 equal tokens', (golden) => {
    const logits = readRow(golden.input)
    const { ids } = run(logits, { ...fromLlama(golden.params), profile: 'llama.cpp' })
    expect(new Set(softmax(logits).p)).toEqual(new Set([1 / 64]))
    expect(ids.length).toBe(golden.result.kept_count)
  })

  it.each(cases('llama_temp_ext', float32Entropy))('$id: the entropy', (golden) => {
    const logits = readRow(golden.input)
    const { order, ...given } = golden.params
    const params = fromLlama(given)
    const { ids, probabilities } = run(logits, { ...params, profile: 'llama.cpp' })
    const left = only(ids, logits)
    const { temperature = 1, dynatemp_range = 0, dynatemp_exponent = 1 } = params
    const low = Math.max(0, temperature - dynatemp_range)
    const share = softmax(left).entropy / Math.log(ids.length)
    const high = temperature + dynatemp_range
    const { p } = softmax(left, low + (high - low) * share ** dynatemp_exponent)
    const errors = ids.map((id, i) => Math.abs(probabilities[i]! / p[id]! - 1))
    expect(Math.max(...errors)).toBeLessThanOrEqual(2e-6)
  })

  it.each(cases('llama_top_n_sigma', float32Variance))('$id: the variance', (golden) => {
    const logits = readRow(golden.input)
    const params = fromLlama(golden.params)
    const { ids } = run(logits, { ...params, profile: 'llama.cpp' })
    const mean = logits.reduce((a, b) => a + b / logits.length, 0)
    const variance = logits.reduce((a, b) => a + (b - mean) * (b - mean), 0) / logits.length
    const bound = Math.max(...logits) - params.top_n_sigma! * Math.sqrt(variance)
    expect(ids).toEqual([...logits.keys()].filter((id) => logits[id]! >= bound))
    expect(variance).toBeGreaterThan(3.5e38)
    expect(golden.result.kept_count).toBe(logits.length)
  })
})

describe('where llama.cpp divides large logits in float32', () => {
  it.each(cases('llama_dist', float32Division))('$id: the quotient in float64', (golden) => {
    const logits = readRow(golden.input)
    const { order, seed, rng, ...given } = golden.params
    const params = fromLlama(given)
    const { ids, probabilities } = run(logits, { ...params, profile: 'llama.cpp' })
    const left = only(ids, logits)
    const { p } = softmax(left, params.temperature)
    const errors = ids.map((id, i) => Math.abs(probabilities[i]! - p[id]!))
    expect(Math.max(...errors)).toBeLessThanOrEqual(1e-12)
    expect(ids.length).toBe(golden.result.kept_count)
  })
})

describe('where llama.cpp’s float32 sums cut elsewhere', () => {
  const cases = readCases('llama_top_p').filter(({ id }) => float32Sums.includes(id))

  it.each(cases)('$id: the rule in float64', ({ input, params, result }) => {
    const logits = readRow(input)
    const { ids } = run(logits, { ...fromLlama(params), profile: 'llama.cpp' })
    expect(ids).toEqual(nucleus(logits, params.top_p as number))
    expect(ids.length).not.toBe(result.kept_count)
  })
})

/** The definition, by sorting: the number of tokens in the shortest prefix of the ranking that reaches the mass. */
function nucleus(logits: Float32Array, mass: number): number[] {
  const max = logits.reduce((a, b) => Math.max(a, b))
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - max))
  const total = weights.reduce((a, b) => a + b)
  const ranking = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b)
  let sum = 0
  const length = ranking.findIndex((id) => {
    sum += weights[id]!
    return sum >= mass * total
  })
  return ranking.slice(0, length + 1).sort((a, b) => a - b)
}

const boundaries = ['llama_combo_context', 'llama_dist'].flatMap((name) =>
  cases(name, float32Boundaries),
)
it.each(boundaries)('$id: 0.95 of forty equal tokens is 38 of them', (golden) => {
  const { order, seed, rng, ...given } = golden.params
  const params: Params = { ...fromLlama(given), profile: 'llama.cpp' }
  const { ids } = run(readRow(golden.input), params, undefined, historyOf(golden))
  expect(golden.result.kept_count).toBe(39)
  expect(ids.length).toBe(38)
})

it.each(readCases('hf_remove_invalid_values').filter(({ id }) => unmasked.includes(id)))(
  '$id: tokens at −∞ are not in play',
  ({ input, result }) => {
    const { ids, probabilities } = run(readRow(input), {}, undefined, {})
    const kept = result.top.filter(([, p]) => p > 0)
    expect(ids.length).toBeLessThan(result.kept_count)
    for (const [id, p] of kept) {
      expect(Math.abs(probabilities[ids.indexOf(id)]! - p)).toBeLessThanOrEqual(2e-6 * p)
    }
  },
)

it.each(readCases('hf_nan_min_length_expdecay'))(
  '$id: a banned stop token stays banned; transformers has NaN',
  (golden) => {
    const { note, ...given } = golden.params
    const history = historyOf(golden)
    const params = fromTransformers(given, history)
    const logits = readRow(golden.input)
    const answer = run(logits, { ...params, profile: 'transformers' }, undefined, history)
    const without = run(logits, { banned_token_ids: history.stop })
    expect(answer.ids).toEqual(without.ids)
    expect(answer.probabilities).toEqual(without.probabilities)
  },
)

it('llama.cpp picks the same token when greedy', () => {
  for (const { input, result } of readCases('llama_greedy')) {
    const { drawn } = run(readRow(input), { temperature: 0, profile: 'llama.cpp' }, {})
    expect(drawn!.token_ids).toEqual([result.selected])
  }
})

it('the cases with ties that the engine’s sort decides', () => {
  expect(tied.length).toMatchInlineSnapshot(`141`)
})

it('every file of cases is used, except those of samplers that Kelvin lacks', () => {
  const checked = Object.values(engines).flatMap(({ files }) => Object.keys(files))
  const elsewhere = ['llama_greedy', 'llama_mirostat', 'llama_mirostat_v2', 'llama_adaptive_p']
  const findings = ['hf_nan_min_length_expdecay']
  const there = globSync('*.json', { cwd: new URL('../golden/cases', import.meta.url).pathname })
  expect([...checked, ...elsewhere, ...findings].sort()).toEqual(
    there.map((file) => file.replace('.json', '')).sort(),
  )
})

describe('llama.cpp draws by the same rule from the same uniform numbers', () => {
  const cases = readCases('llama_dist').filter(({ result }) => result.array_order === 'id')
  it.each(cases)('$id', ({ input, params, result }) => {
    const { temp = 1 } = params as { temp?: number }
    const { ids, probabilities } = run(readRow(input), { temperature: temp, profile: 'llama.cpp' })
    const draws = result.u!.map((u) => {
      let sum = 0
      return ids[
        probabilities.findIndex((p) => {
          sum += p
          return sum >= u
        })
      ]
    })
    expect(draws).toEqual(result.draws)
  })
})
