import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kelvinOrder, samplerByName } from '../../src/sampling/registry.ts'
import { realisticRow, seeded } from './rows.ts'
import { type History, type Params, run } from './run.ts'
import { anyLogits } from './tester.ts'

/** The paths of watched tokens. */

const NEVER = Number.NEGATIVE_INFINITY

/** Short rows with many ties. Differences near the smallest float32 are lost when a sampler divides or squares them. */
const tiedLogits = anyLogits.map((logits) =>
  logits.map((logit) =>
    Number.isFinite(logit) ? Math.round(Math.max(-60, Math.min(60, logit)) * 64) / 64 : logit,
  ),
)

/** Watches every token of a short row, or some of a long one. */
function watch(logits: Float32Array, params: Params, history?: History, draw?: { n: number }) {
  const stride = Math.ceil(logits.length / 64)
  const watch_token_ids = Array.from(logits.keys()).filter((id) => id % stride === 0)
  return run(logits, { ...params, trace: true, watch_token_ids }, draw, history)
}

type Answer = ReturnType<typeof run>

const pathOf = ({ watched }: Answer, id: number) =>
  watched!.find(({ token_id }) => token_id === id)!

/** Checks everything that the paths say against the row, the trace and the final distribution. */
function checkPaths(logits: Float32Array, answer: Answer): void {
  const { watched, trace, ids, probabilities } = answer
  const byThen = new Map(watched!.map(({ token_id, logit }) => [token_id, logit]))
  const next = new Map(watched!.map(({ token_id }) => [token_id, 0]))
  for (const { token_id, logit } of watched!) {
    expect(logit).toEqual(logits[token_id] === NEVER ? null : logits[token_id]! + 0)
  }
  for (const { sampler, threshold, dropped_token_ids } of trace!) {
    const dropped: number[] = []
    let lastTie = -1
    for (const { token_id, path } of watched!) {
      const step = path[next.get(token_id)!]
      const before = byThen.get(token_id)!
      if (step?.sampler !== sampler) continue
      next.set(token_id, next.get(token_id)! + 1)
      byThen.set(token_id, step.logit)
      if (step.logit !== null) {
        expect(step.threshold).toBe(null)
        continue
      }
      expect(before).not.toBe(null)
      dropped.push(token_id)
      if (threshold === null) expect(step.threshold).toBe(null)
      else {
        expect(step.threshold).toBeCloseTo(threshold, 9)
        expect(before!).toBeLessThanOrEqual(step.threshold!)
        if (before === step.threshold) lastTie = lastTie < 0 ? token_id : lastTie
      }
    }
    expect(dropped).toEqual(dropped_token_ids)
    if (threshold === null) continue
    for (const { token_id } of watched!) {
      const logit = byThen.get(token_id)!
      if (logit === null) continue
      expect(logit).toBeGreaterThanOrEqual(threshold - 1e-9 * Math.max(1, Math.abs(threshold)))
      if (logit === threshold && lastTie >= 0) expect(token_id).toBeLessThan(lastTie)
    }
  }
  for (const { token_id, path, dropped_by, logit, probability, rank } of watched!) {
    expect(next.get(token_id)).toBe(path.length)
    const place = ids.indexOf(token_id)
    expect(dropped_by === null).toBe(place >= 0)
    expect(byThen.get(token_id) === null).toBe(place < 0)
    if (place < 0) {
      expect([probability, rank]).toEqual([null, null])
      expect(dropped_by).toBe(path.at(-1)?.sampler ?? 'logits')
      if (path.length === 0) expect(logit).toBe(null)
    } else {
      expect(probability).toBeCloseTo(probabilities[place]!, 6)
      const above = probabilities.filter((p) => p > probabilities[place]! * (1 + 1e-9)).length
      expect(rank).toBeGreaterThan(above)
    }
  }
}

const random = seeded(3)
const history = { prompt: [1, 2, 3, 1, 2], output: [0, 1, 5, 0, 1], stop: [3] }
const rows = [
  Float32Array.of(2, 1, 0.5, -1, -3, 2),
  Float32Array.of(NEVER, 3, 3, 3, -2, NEVER),
  realisticRow(300, random),
  realisticRow(5000, random),
]

/** The fields that switch a sampler on, also for a row of another length than the example's. */
function exampleOf(name: (typeof kelvinOrder)[number], length: number): Params {
  const params = samplerByName.get(name)!.example.params as Params
  if (!params.unconditional_logits) return params
  return { ...params, unconditional_logits: Array.from({ length }, (_, id) => Math.sin(id)) }
}

describe.each(kelvinOrder.map((name) => ({ name })))('the paths of $name', ({ name }) => {
  it.each([1, 0.7, 3])('are true beside a bias, top-k and temperature %s', (temperature) => {
    for (const logits of rows) {
      for (const order of [kelvinOrder, kelvinOrder.toReversed()]) {
        const params = { temperature, logit_bias: { 1: -1.5, 2: 3 }, top_k: 4 }
        const own = exampleOf(name, logits.length)
        checkPaths(logits, watch(logits, { ...params, ...own, order } as Params, history))
      }
    }
  })
})

it.each(['kelvin', 'llama.cpp', 'transformers', 'vllm'] as const)(
  'are true under the profile %s',
  (profile) => {
    const params = fc.record(
      {
        temperature: fc.constantFrom(0, 0.3, 1, 2),
        dynatemp_range: fc.constantFrom(0, 0.2),
        top_k: fc.constantFrom(-1, 1, 3, 8),
        top_p: fc.constantFrom(1, 0.5, 0.9),
        min_p: fc.constantFrom(0, 0.05, 0.5),
        typical_p: fc.constantFrom(1, 0.5),
        top_n_sigma: fc.constantFrom(1, 2),
        min_tokens_to_keep: fc.constantFrom(1, 3),
        repetition_penalty: fc.constantFrom(1, 1.3),
        smoothing_factor: fc.constantFrom(0, 0.3),
        xtc_probability: fc.constantFrom(0, 1),
        mirostat: fc.constantFrom(0, 1, 2),
        logit_bias: fc.constantFrom({}, { 0: -5, 1: 2 }),
        banned_token_ids: fc.constantFrom([], [0]),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(tiedLogits, params, (logits, asked) => {
        const last = logits.length - 1
        const fits = { prompt: [0], output: [0, last], stop: [last] }
        const { logit_bias, ...others } = asked
        const biases = last > 0 && logit_bias ? { logit_bias } : {}
        const all = { ...others, ...biases, profile } as Params
        let answer: Answer
        try {
          answer = watch(logits, all, fits)
        } catch (error) {
          // A mask may leave no token.
          expect(error).toMatchObject({ code: 'NO_TOKEN_LEFT' })
          return
        }
        checkPaths(logits, answer)
      }),
      { numRuns: 150 },
    )
  },
)

describe('the path of a token', () => {
  const logits = Float32Array.of(16, 13.25, 11, 10.75, 2)

  it('that a bias brings below top-k', () => {
    const answer = watch(logits, { logit_bias: { 1: -5 }, top_k: 3 })
    expect(pathOf(answer, 1)).toEqual({
      token_id: 1,
      dropped_by: 'top_k',
      logit: 13.25,
      path: [
        { sampler: 'logit_bias', logit: 8.25, threshold: null },
        { sampler: 'top_k', logit: null, threshold: 10.75 },
      ],
      probability: null,
      rank: null,
    })
  })

  it('that a penalty brings below top-p, in logits that no temperature divides', () => {
    const row = Float32Array.of(4, 3, 2, 1)
    const params = { repetition_penalty: 2, temperature: 0.5, top_p: 0.9 }
    const answer = watch(row, params, { output: [1] })
    // Logits 4, 1.5, 2, 1: at T = 0.5, the first two of the ranking hold 0.97.
    expect(pathOf(answer, 1).path).toEqual([
      { sampler: 'repetition_penalty', logit: 1.5, threshold: null },
      { sampler: 'top_p', logit: null, threshold: 4 },
    ])
    expect(pathOf(answer, 0)).toMatchObject({ logit: 4, path: [], probability: 1, rank: 1 })
  })

  it('that a mask removes has no threshold', () => {
    const answer = watch(logits, { banned_token_ids: [0] })
    expect(pathOf(answer, 0)).toMatchObject({
      dropped_by: 'mask',
      path: [{ sampler: 'mask', logit: null, threshold: null }],
    })
  })

  it('that is not the most likely at temperature 0', () => {
    const row = Float32Array.of(1, 3, 3)
    const answer = watch(row, { temperature: 0 })
    const step = { sampler: 'temperature', logit: null, threshold: 3 }
    expect(answer.watched!.map(({ path }) => path)).toEqual([[step], [], [step]])
    expect(answer.trace![0]!.threshold).toBe(3)
    expect(pathOf(answer, 1)).toMatchObject({ probability: 1, rank: 1 })
  })

  it('that xtc removes has no threshold', () => {
    const row = Float32Array.from([0.5, 0.3, 0.2], Math.log)
    const answer = watch(row, { xtc_probability: 1, xtc_threshold: 0.25 })
    const step = { sampler: 'xtc', logit: null, threshold: null }
    expect(answer.watched!.map(({ path }) => path)).toEqual([[step], [], []])
  })

  it('that xtc makes less likely on average', () => {
    const row = Float32Array.from([0.5, 0.3, 0.2], Math.log)
    const params = { xtc_probability: 0.5, xtc_threshold: 0.25, xtc_mode: 'expected' as const }
    const { dropped_by, path, probability } = pathOf(watch(row, params), 0)
    expect([dropped_by, path.length]).toEqual([null, 1])
    expect(path[0]!.logit).toBeLessThan(row[0]!)
    expect(probability).toBeCloseTo(0.25, 6)
  })

  it('that typical-p removes has no threshold', () => {
    const row = Float32Array.from([0.6, 0.25, 0.15], Math.log)
    const steps = watch(row, { typical_p: 0.2 }).watched!.flatMap(({ path }) => path)
    expect(steps.length).toBeGreaterThan(0)
    for (const step of steps) expect(step).toMatchObject({ sampler: 'typical_p', threshold: null })
  })

  it('has the threshold of min_tokens_to_keep if that widens a cut', () => {
    const answer = watch(logits, { min_p: 0.9, min_tokens_to_keep: 3 })
    expect(pathOf(answer, 2).dropped_by).toBe(null)
    expect(pathOf(answer, 3).path).toEqual([{ sampler: 'min_p', logit: null, threshold: 11 }])
  })

  it('ends at a tie by id', () => {
    const answer = watch(Float32Array.of(1, 2, 2, 2), { top_k: 2 })
    const step = { sampler: 'top_k', logit: null, threshold: 2 }
    expect(answer.watched!.map(({ path }) => path)).toEqual([[step], [], [], [step]])
  })

  it('has biases after temperature times the temperature', () => {
    const order: Params['order'] = ['temperature', 'logit_bias']
    const answer = watch(logits, { temperature: 2, logit_bias: { 1: -3 }, order })
    expect(pathOf(answer, 1).path).toEqual([
      { sampler: 'logit_bias', logit: 7.25, threshold: null },
    ])
  })

  it('has no step where only another token changed, however large the logits are', () => {
    const row = Float32Array.of(2 ** 40, 2 ** 40 - 2 ** 20, 5)
    const answer = watch(row, { logit_bias: { 0: 1 }, smoothing_factor: 0 })
    expect(pathOf(answer, 0).path).toEqual([
      { sampler: 'logit_bias', logit: 2 ** 40 + 1, threshold: null },
    ])
    expect(pathOf(answer, 1).path).toEqual([])
    expect(pathOf(answer, 2)).toMatchObject({ logit: 5, path: [] })
  })

  it('shows a change that the logit is too large to show', () => {
    const row = Float32Array.of(1e20, 1e20)
    const answer = watch(row, { logit_bias: { 0: 1 } })
    expect(pathOf(answer, 0).path).toHaveLength(1)
    expect(pathOf(answer, 1).path).toEqual([])
    expect(pathOf(answer, 0).probability).toBeCloseTo(Math.E / (1 + Math.E), 9)
  })

  it('goes on when a mask puts the token back', () => {
    const row = Float32Array.of(NEVER, 1, 2)
    const params: Params = {
      profile: 'transformers',
      allowed_token_ids: [0, 1],
      logit_bias: { 1: '-Infinity' },
    }
    const answer = watch(row, params)
    const back = { sampler: 'mask', logit: 0, threshold: null }
    expect(pathOf(answer, 0)).toMatchObject({
      dropped_by: null,
      logit: null,
      path: [back],
      probability: 0.5,
    })
    expect(pathOf(answer, 1)).toMatchObject({
      dropped_by: null,
      path: [{ sampler: 'logit_bias', logit: null, threshold: null }, back],
      probability: 0.5,
    })
  })

  it('ends with the probability of the answer, and not that of raw logprobs', () => {
    const answer = watch(logits, { temperature: 3, top_k: 2, logprobs_mode: 'raw' }, {}, { n: 1 })
    const p = 1 / (1 + Math.exp((13.25 - 16) / 3))
    expect(pathOf(answer, 0)).toMatchObject({ path: [], rank: 1 })
    expect(pathOf(answer, 0).probability).toBeCloseTo(p, 12)
    expect(pathOf(answer, 1).probability).toBeCloseTo(1 - p, 12)
  })
})

it('a watched token is reported once, in the order of the list', () => {
  const { watched } = run(Float32Array.of(1, 2, 3), { top_k: 2, watch_token_ids: [2, 0, 2, 0, 1] })
  expect(watched!.map(({ token_id }) => token_id)).toEqual([2, 0, 1])
  expect(watched!.map(({ rank }) => rank)).toEqual([1, null, 2])
})

it('a token that a sparse row leaves out has no logit', () => {
  const sparse = { vocabSize: 6, ids: Uint32Array.of(1, 4), values: Float32Array.of(2, 1) }
  const { watched } = run(sparse, { top_k: 2, watch_token_ids: [0, 4] }, { n: 1 })
  expect(watched).toMatchObject([
    { token_id: 0, dropped_by: 'logits', logit: null, path: [] },
    { token_id: 4, dropped_by: null, logit: 1, rank: 2 },
  ])
  expect(watched![1]!.probability).toBeCloseTo(1 / (1 + Math.E), 9)
})

it('a draw from a sparse row gives probabilities among the tokens given', () => {
  const ids = Uint32Array.of(1, 4)
  const sparse = { vocabSize: 6, ids, values: Float32Array.of(2, 1), logZ: 3 }
  const ofToken1 = (draw?: { n: number }) =>
    run(sparse, { watch_token_ids: [1] }, draw).watched![0]!.probability
  expect(ofToken1({ n: 1 })).toBeCloseTo(Math.E / (1 + Math.E), 9)
  expect(ofToken1()).toBeCloseTo(Math.exp(2 - 3), 6)
})
