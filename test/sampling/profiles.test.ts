import { describe, expect, it } from 'vitest'
import { profiles } from '../../src/sampling/profiles/index.ts'
import { kelvinOrder, samplerByName } from '../../src/sampling/registry.ts'
import { stages } from '../../src/sampling/sampler.ts'
import { samplers } from '../../src/sampling/samplers/index.ts'
import { softmax } from './naive.ts'
import { type Params, run } from './run.ts'

describe('Kelvin’s own order', () => {
  it('has every sampler once', () => {
    expect([...kelvinOrder].sort()).toEqual(samplers.map(({ name }) => name).sort())
  })

  it('goes from stage to stage', () => {
    const places = kelvinOrder.map((name) => stages.indexOf(samplerByName.get(name)!.stage))
    expect(places).toEqual(places.toSorted())
  })
})

describe.each(profiles)('$name', ({ order, rules }) => {
  it('names each sampler once, and only rules that the sampler has', () => {
    expect(new Set(order).size).toBe(order.length)
    for (const [name, changed] of Object.entries(rules)) {
      expect(Object.keys(samplerByName.get(name)!.rules)).toEqual(
        expect.arrayContaining(Object.keys(changed)),
      )
    }
  })
})

it('no two samplers have the same field', () => {
  const fields = kelvinOrder.flatMap((name) => Object.keys(samplerByName.get(name)!.fields))
  expect(new Set(fields).size).toBe(fields.length)
})

it('the order of a request replaces the profile’s, and warnings name the samplers that it leaves out', () => {
  const logits = Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log)
  const settings = { temperature: 3, top_p: 0.5, min_p: 0.4 }
  const answer = run(logits, { ...settings, order: ['min_p', 'temperature'] })
  expect(answer.ids).toEqual([0, 1, 2])
  expect(answer.warnings.map(({ code }) => code)).toEqual(['HIGH_TEMPERATURE', 'SAMPLER_NOT_RUN'])
  expect(answer.warnings[1]!.message).toBe(
    'top_p is set but does not run, because order leaves it out',
  )
})

describe('llama.cpp’s list of candidates', () => {
  const profile = 'llama.cpp'
  const headed = (vocabSize: number, ...head: number[]) => {
    const row = new Float32Array(vocabSize).fill(Number.NEGATIVE_INFINITY)
    row.set(head)
    return row
  }
  /** The logits after dynamic temperature, if the largest entropy is ln of this count. */
  function expected(logits: number[], count: number, dynatemp_range = 0.5): number[] {
    const { entropy } = softmax(Float32Array.from(logits))
    const low = 1 - dynatemp_range
    const { p } = softmax(
      Float32Array.from(logits),
      low + 2 * dynatemp_range * (entropy / Math.log(count)),
    )
    return [...p].map((one) => expect.closeTo(one, 9))
  }
  const left = (logits: Float32Array, params: Params, history = {}) => [
    ...run(logits, { dynatemp_range: 0.5, profile, ...params }, undefined, history).probabilities,
  ]

  it.each([5, 4095, 4096, 50_000])('has the length that top_k leaves, V = %i', (vocabSize) => {
    const row = headed(vocabSize, 3, 2)
    expect(left(row, {})).toEqual(expected([3, 2], vocabSize))
    expect(left(row, { top_k: 2 })).toEqual(expected([3, 2], 2))
    expect(left(row, { top_k: 4 })).toEqual(expected([3, 2], 4))
    expect(left(row, { top_k: 40 })).toEqual(expected([3, 2], Math.min(40, vocabSize)))
    expect(left(row, { banned_token_ids: [1], logit_bias: { 2: 5 }, top_k: 3 })).toEqual([1])
  })

  it.each([4, 5000])(
    'other filters cut masked tokens, except for min_tokens_to_keep, V = %i',
    (vocabSize) => {
      const row = headed(vocabSize, 3, 2)
      for (const params of [{ top_p: 0.9 }, { min_p: 0.1 }, { typical_p: 0.999 }]) {
        expect(left(row, params)).toEqual(expected([3, 2], 2))
        expect(left(row, { ...params, min_tokens_to_keep: 3 })).toEqual(expected([3, 2], 3))
      }
    },
  )

  it.each([0, 4092])('keeps the tokens that top-nσ masks, with %i masked tokens more', (more) => {
    const row = headed(4 + more, 4, 3, 0, 0)
    const nearest = left(row, { top_n_sigma: 1 })
    expect(nearest).toEqual(expected([4, 3], 4 + more))
    if (more === 0) expect(nearest[0]).toBeCloseTo(0.7478147, 7)
    expect(left(row, { top_n_sigma: 1, top_k: 3 })).toEqual(expected([4, 3], 3))
  })

  it('loses the tokens that XTC excludes, and counts for min_tokens_to_keep', () => {
    const xtc = { xtc_probability: 1, xtc_threshold: 0.2 }
    const row = Float32Array.of(2, 1.9, 1.8, -2, -2.5)
    expect(left(row, xtc)).toEqual(expected([1.8, -2, -2.5], 3))
    const masked = headed(6, 2, 1.9)
    expect(left(masked, { ...xtc, min_tokens_to_keep: 5, dynatemp_range: 0 })).toEqual([1])
    expect(left(masked, { ...xtc, min_tokens_to_keep: 6, dynatemp_range: 0 }).length).toBe(2)
  })

  it.each([{ top_k: 1 }, { top_n_sigma: 0.1 }])(
    '%j leaves one token, whatever min_tokens_to_keep is',
    (params) => {
      const row = Float32Array.of(2, 1, 0)
      const settings = { ...params, min_tokens_to_keep: 2 }
      expect(run(row, { ...settings, profile }).ids).toEqual([0])
      expect(run(row, settings).ids).toEqual([0, 1])
    },
  )
})

describe('llama.cpp’s mirostat', () => {
  const profile = 'llama.cpp'
  const row = Float32Array.of(5, 3, 1, 0)

  it.each([1, 2] as const)(
    'version %i may leave one token, whatever min_tokens_to_keep is',
    (mirostat) => {
      const params = { mirostat, mirostat_tau: 0.3, min_tokens_to_keep: 3 }
      expect(run(row, { ...params, profile }).ids.length).toBe(1)
      expect(run(row, params).ids.length).toBe(3)
    },
  )

  it('keeps the temperature fixed, with a warning', () => {
    const params = { mirostat: 2, mirostat_tau: 3, dynatemp_range: 0.9, profile } as const
    const { probabilities, warnings } = run(row, params)
    const { dynatemp_range, ...fixed } = params
    expect(probabilities).toEqual(run(row, fixed).probabilities)
    expect(warnings.map(({ message }) => message)).toEqual([
      "dynatemp_range has no effect: this profile's engine keeps the temperature fixed here",
    ])
    expect(run(row, { dynatemp_range: 0.9, profile }).warnings).toEqual([])
  })
})

describe('transformers', () => {
  it('ignores min_tokens_to_keep in top_h', () => {
    const params = { top_h: 0.01, min_tokens_to_keep: 2 }
    expect(run(Float32Array.of(2, 1, 0), { ...params, profile: 'transformers' }).ids).toEqual([0])
    expect(run(Float32Array.of(2, 1, 0), params).ids).toEqual([0, 1])
  })

  const profile = 'transformers'
  const none = Number.NEGATIVE_INFINITY

  it.each([
    [[0, none], [1], [1]],
    [
      [0, none, none],
      [1, 2],
      [1, 2],
    ],
    [[0, none, 3], [1, 2], [2]],
    [[none, none], [1], [1]],
  ])('%j with only %j allowed leaves %j', (logits, allowed_token_ids, ids) => {
    const answer = run(Float32Array.from(logits), { allowed_token_ids, profile, trace: true })
    expect(answer.ids).toEqual(ids)
    expect([...answer.probabilities]).toEqual(ids.map(() => 1 / ids.length))
    expect(answer.trace![0]).toMatchObject({ sampler: 'mask', kept_after: ids.length })
  })

  it('forces allowed tokens that an earlier ban has removed', () => {
    const params = { bad_words_ids: [[0], [1]], allowed_token_ids: [1], temperature: 0.5 }
    expect(run(Float32Array.of(1, 2), { ...params, profile }).ids).toEqual([1])
    expect(() => run(Float32Array.of(1, 2), params)).toThrow('leaves no token')
  })

  it('forces no token that a sparse row does not give', () => {
    const given = { vocabSize: 9, ids: Uint32Array.of(0, 1), values: Float32Array.of(1, 1) }
    expect(() => run(given, { allowed_token_ids: [5], profile })).toThrow('mask leaves no token')
  })

  it('bans a stop token as a bad word only after other tokens', () => {
    const banned = (bad_words_ids: number[][], stop: number[]) =>
      run(new Float32Array(4), { bad_words_ids, profile }, undefined, { output: [2], stop }).ids
    expect(banned([[0], [1]], [0])).toEqual([0, 2, 3])
    expect(banned([[0], [1]], [3, 1])).toEqual([1, 2, 3])
    expect(banned([[2, 0], [1]], [0])).toEqual([2, 3])
    const kelvin = run(new Float32Array(4), { bad_words_ids: [[0]] }, undefined, { stop: [0] })
    expect(kelvin.ids).toEqual([1, 2, 3])
  })
})

describe('vLLM clamps logit_bias to 100, with a warning', () => {
  it.each([
    [{ 0: 300, 1: -1000 }, Math.exp(-200)],
    [{ 1: '-Infinity' }, Math.exp(-100)],
    [{ 0: 100, 1: -100 }, Math.exp(-200)],
    [{ 0: 3, 1: -4 }, Math.exp(-7)],
  ] as const)('%j', (logit_bias, odds) => {
    const { probabilities, warnings } = run(new Float32Array(2), { logit_bias, profile: 'vllm' })
    expect(probabilities[1]! / probabilities[0]! / odds).toBeCloseTo(1, 9)
    const isBeyond = Object.values(logit_bias).some((bias) => Math.abs(Number(bias)) > 100)
    expect(warnings.map(({ code }) => code)).toEqual(isBeyond ? ['BIAS_CLAMPED'] : [])
  })
})

describe('warns of parameters without effect', () => {
  const row = Float32Array.of(3, 2, 1, 0)
  const warned = (params: Params, history = {}, step = 0n) =>
    run(row, params, { step }, history).warnings.map(({ message }) => message)

  it.each<[Params, object, string[]]>([
    [{ min_tokens: 2 }, {}, ['min_tokens has no effect: stop_token_ids is empty']],
    [{ min_tokens: 2 }, { stop: [1] }, []],
    [
      { exponential_decay_length_penalty: { start: 1, factor: 2 } },
      {},
      ['length_penalty has no effect: stop_token_ids is empty'],
    ],
    [{ penalty_last_n: 64 }, {}, ['penalty_last_n has no effect: no sampler that uses it is on']],
    [{ penalty_last_n: 64, presence_penalty: 1 }, {}, []],
    [
      { unconditional_logits: [1, 1, 1, 1] },
      {},
      ['unconditional_logits has no effect: guidance is off'],
    ],
    [
      { min_tokens_to_keep: 2 },
      {},
      ['min_tokens_to_keep has no effect: no sampler that truncates is on'],
    ],
    [{ min_tokens_to_keep: 2, min_p: 0.1 }, {}, []],
    [
      { temperature: 0, min_tokens_to_keep: 2, top_p: 0.9 },
      {},
      ['top_p has no effect: temperature leaves a single token'],
    ],
    [
      { exponential_decay_length_penalty: { start: 0, factor: 1 } },
      { stop: [1] },
      ['length_penalty has no effect: its factor is 1'],
    ],
    [
      { penalty_last_n: 64, presence_penalty: 1, order: ['top_k'] },
      {},
      [
        'presence_penalty is set but does not run, because order leaves it out',
        'penalty_last_n has no effect: no sampler that uses it is on',
      ],
    ],
    [
      { penalty_last_n: 0, presence_penalty: 1 },
      {},
      ['presence_penalty has no effect: penalty_last_n is 0'],
    ],
    [
      { xtc_probability: 0.5, xtc_threshold: 0.6 },
      {},
      ['xtc has no effect: no two tokens can both reach xtc_threshold 0.6'],
    ],
    [{ xtc_probability: 0.5, xtc_threshold: 0.5 }, {}, []],
    [
      { xtc_probability: 0.5, xtc_threshold: 0 },
      {},
      ['every token reaches xtc_threshold 0, so only the least likely one stays'],
    ],
    [
      {},
      { state: { mirostat_mu: 3 } },
      ['state.mirostat_mu has no effect: the sampler that it belongs to does not run'],
    ],
    [
      { mirostat: 2 },
      { state: { mirostat_mu: 3, adaptive_total_weight: 1 } },
      ['state.adaptive_total_weight has no effect: the sampler that it belongs to does not run'],
    ],
  ])('%j, %j', (params, history, messages) => {
    expect(warned(params, history)).toEqual(messages)
  })

  it('a sampler with a state that is missing after the first step', () => {
    expect(warned({ mirostat: 2 })).toEqual([])
    expect(warned({ adaptive_target: 0.5 }, {}, 3n)).toEqual([
      'adaptive_p has no state at step 3 and starts from its initial state; send the `state` of the previous answer',
    ])
    expect(warned({ mirostat: 2 }, { state: { mirostat_mu: 3 } }, 3n)).toEqual([])
  })

  it.each([1e16, -1e16, 1e150])('a finite bias that swallows the logit: %d', (bias) => {
    expect(warned({ logit_bias: { 1: 1, 2: bias } })[0]).toContain(
      `logit_bias of token 2 is ${bias}`,
    )
    expect(warned({ sequence_bias: [{ token_ids: [2], bias }] })[0]).toContain('sequence_bias[0]')
    expect(warned({ logit_bias: { 1: 9e15, 2: '-Infinity' } })).toEqual([])
  })
})
