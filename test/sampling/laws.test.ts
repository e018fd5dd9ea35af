import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { kelvinOrder, samplerByName } from '../../src/sampling/registry.ts'
import { resultsOf } from '../../src/sampling/sample.ts'
import { readRows } from '../golden/read.ts'
import { realisticRow, seeded } from './rows.ts'
import { type Params, requestFor, run } from './run.ts'

/** Laws of the pipeline with every sampler. */

const random = seeded(7)
const rows = [
  readRows('stories260k').rows[37]!,
  readRows('synth_32000').rows[2]!,
  realisticRow(5000, random),
  readRows('edge_64').rows[4]!,
  realisticRow(50_000, random),
]
const output = [5, 9, 5, 9, 5, 9, 3]

const examples = kelvinOrder.map((name) => ({
  name,
  params: samplerByName.get(name)!.example.params as Params,
}))

describe.each(examples)('$name', ({ params }) => {
  it('gives a row the same answer alone and in any batch', () => {
    const requests = rows.map((logits, stream) =>
      requestFor(logits, params, { n: 3, stream: BigInt(stream) }, { output }),
    )
    const together = [...resultsOf(requests)].map(({ drawn, state }) => ({ drawn, state }))
    const alone = requests.toReversed().map((request) => {
      const [result] = resultsOf([request])
      return { drawn: result!.drawn, state: result!.state }
    })
    expect(together).toEqual(alone.toReversed())
  })

  it('gives the same answer with a trace', () => {
    for (const logits of rows) {
      const watch_token_ids = [0, 1, 2]
      const plain = run(logits, params, { n: 3 }, { output })
      const { trace, watched, ...traced } = run(
        logits,
        { ...params, trace: true, watch_token_ids },
        { n: 3 },
        { output },
      )
      expect(traced).toEqual(plain)
      expect(trace!.length).toBe(1)
      expect(trace![0]!.kept_after).toBe(plain.ids.length)
      expect(watched!.map(({ dropped_by }) => dropped_by === null)).toEqual(
        watch_token_ids.map((id) => plain.ids.includes(id)),
      )
    }
  })
})

describe('at the ends of a field’s range', () => {
  const rows = [
    Float32Array.of(1, 2, 3, 0.5),
    Float32Array.of(1, Number.NEGATIVE_INFINITY, -3e38, 3e38),
    realisticRow(5000, random),
  ]
  const biased = { 0: 1e300, 1: -1e300 }

  const ends = kelvinOrder.flatMap((name) => {
    const { fields } = samplerByName.get(name)!
    const { properties = {} } = z.toJSONSchema(z.object(fields), { io: 'input' })
    return Object.entries(properties).flatMap(([field, schema]) => {
      const { type, minimum, maximum } = schema as Record<string, unknown>
      if (type !== 'number' || 'enum' in (schema as object)) return []
      const most = (maximum as number | undefined) ?? Number.MAX_VALUE
      const least = (minimum as number | undefined) ?? -Number.MAX_VALUE
      const on = samplerByName.get(name)!.example.params as Params
      return [most, least, most / 3].map((value) => ({ field, value, on }))
    })
  })

  it.each(ends)('$field $value', ({ field, value, on }) => {
    const orders = [undefined, kelvinOrder.toReversed() as Params['order']]
    for (const logits of rows) {
      for (const order of orders) {
        for (const extra of [{}, { logit_bias: biased }, { temperature: Number.MAX_VALUE }]) {
          const other = Array.from(logits, (_, id) => Math.sin(id))
          const guide = on.unconditional_logits ? { unconditional_logits: other } : {}
          const params = {
            ...on,
            ...guide,
            ...extra,
            [field]: value,
            ...(order ? { order } : {}),
          } as Params
          const history = {
            output: output.map((id) => id % logits.length),
            prompt: [2, 2, 2],
            stop: [0],
          }
          const answer = run(logits, params, { n: 2 }, history)
          expect(answer.probabilities.every((p) => p >= 0 && p <= 1)).toBe(true)
          expect(answer.entropy).toBeGreaterThanOrEqual(0)
          expect(JSON.stringify(answer.state ?? {})).not.toContain('null')
        }
      }
    }
  })

  it('for several fields at once, over a long text', () => {
    const params: Params = {
      logit_bias: { 0: 1e300 },
      exponential_decay_length_penalty: { start: 0, factor: 1000 },
      tfs: 0.9,
    }
    const history = { output: new Array<number>(20).fill(1), stop: [0] }
    const { probabilities } = run(Float32Array.of(1, 2, 3), params, {}, history)
    expect(Array.from(probabilities)[0]).toBe(1)
  })
})

it('leaves min_tokens_to_keep on rows of any length', () => {
  for (const [vocabSize, kept] of [
    [4000, 150],
    [4096, 150],
    [8192, 8192],
    [16_384, 5000],
    [131_072, 300],
  ] as const) {
    const logits = realisticRow(vocabSize, random)
    for (const params of [{ top_p: 0.5 }, { top_k: 3 }, { min_p: 0.9 }, { typical_p: 0.2 }]) {
      const { ids } = run(logits, { ...params, min_tokens_to_keep: kept })
      expect(ids.length, JSON.stringify(params)).toBeGreaterThanOrEqual(kept)
    }
    const allowed_token_ids = Array.from({ length: 200 }, (_, i) => i * 3)
    const masked = { allowed_token_ids, top_p: 0.5, min_tokens_to_keep: 150 }
    expect(run(logits, masked).ids.length).toBeGreaterThanOrEqual(150)
  }
})

it('a trace has what each sampler removed', () => {
  const logits = Float32Array.from([0.4, 0.3, 0.15, 0.1, 0.05], Math.log)
  const { trace, watched } = run(logits, {
    banned_token_ids: [2],
    top_k: 3,
    top_p: 0.8,
    trace: true,
    watch_token_ids: [2, 3, 4, 0],
  })
  expect(trace).toMatchObject([
    { sampler: 'mask', kept_before: 5, kept_after: 4, dropped_token_ids: [2], threshold: null },
    { sampler: 'top_k', kept_before: 4, kept_after: 3, dropped_token_ids: [4] },
    { sampler: 'top_p', kept_before: 3, kept_after: 2, dropped_token_ids: [3] },
  ])
  const removed = trace!.map(({ mass_removed }) => mass_removed)
  expect(removed[0]).toBeCloseTo(0.15, 6)
  expect(removed[1]).toBeCloseTo(0.05 / 0.85, 6)
  expect(removed[2]).toBeCloseTo(0.1 / 0.8, 6)
  expect(trace![1]!.threshold).toBeCloseTo(Math.log(0.1), 6)
  const entropy = -(4 / 7) * Math.log(4 / 7) - (3 / 7) * Math.log(3 / 7)
  expect(trace![2]!.entropy_after).toBeCloseTo(entropy, 6)
  expect(watched).toMatchObject([
    { token_id: 2, dropped_by: 'mask' },
    { token_id: 3, dropped_by: 'top_p' },
    { token_id: 4, dropped_by: 'top_k' },
    { token_id: 0, dropped_by: null },
  ])
})

describe('warnings', () => {
  const codes = (params: Params) =>
    run(Float32Array.of(1, 2, 3), params).warnings.map(({ code, message }) => `${code} ${message}`)

  it.each<[Params, RegExp[]]>([
    [{}, []],
    [{ temperature: 0 }, []],
    [{ temperature: 0.7, top_p: 0.9, top_k: -1 }, []],
    [{ temperature: 2.5 }, [/^HIGH_TEMPERATURE temperature 2.5/]],
    [
      { top_k: 1, xtc_probability: 0.5 },
      [/^SAMPLER_WITHOUT_EFFECT xtc has no effect: top_k leaves a single token/],
    ],
    [
      { temperature: 0, top_p: 0.9 },
      [/^SAMPLER_WITHOUT_EFFECT top_p has no effect: temperature leaves/],
    ],
    [{ top_k: 1, top_p: 0.9, min_tokens_to_keep: 2 }, []],
    [
      { profile: 'llama.cpp', mirostat: 2, min_p: 0.1 },
      [
        /^SAMPLER_NOT_RUN min_p is set but does not run, because llama.cpp leaves it out when mirostat is set/,
      ],
    ],
    [
      { profile: 'vllm', top_n_sigma: 1 },
      [/^SAMPLER_NOT_RUN top_n_sigma is set but does not run, because vLLM does not have it/],
    ],
    [
      { dry_base: 2, mirostat_tau: 3 },
      [/^PARAMETER_WITHOUT_EFFECT dry_base has no effect: dry is off/, /mirostat_tau/],
    ],
  ])('%j', (params, expected) => {
    const warnings = codes(params)
    expect(warnings).toHaveLength(expected.length)
    expected.forEach((pattern, i) => {
      expect(warnings[i]).toMatch(pattern)
    })
  })
})
