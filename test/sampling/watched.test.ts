import { expect, it } from 'vitest'
import { run } from './run.ts'

/** What happened to watched tokens, with numbers computed by hand. */

it('follows a bias, and the cut that it causes', () => {
  const { watched } = run(Float32Array.of(13, 12, 11, 10), {
    logit_bias: { 0: -5 },
    top_k: 2,
    watch_token_ids: [0, 1],
  })
  expect(watched).toEqual([
    {
      token_id: 0,
      dropped_by: 'top_k',
      logit: 13,
      path: [
        { sampler: 'logit_bias', logit: 8, threshold: null },
        { sampler: 'top_k', logit: 8, threshold: 11 },
      ],
      probability: null,
    },
    {
      token_id: 1,
      dropped_by: null,
      logit: 12,
      path: [],
      probability: expect.closeTo(1 / (1 + Math.exp(-1)), 12),
    },
  ])
})

it('gives logits and thresholds in the same unit at any temperature', () => {
  const output = [1, 1]
  for (const temperature of [0.1, 0.7, 3]) {
    const { watched } = run(
      Float32Array.of(4, 3, 2, -1),
      { frequency_penalty: 1, top_k: 1, temperature, watch_token_ids: [1, 3] },
      {},
      { output },
    )
    expect(watched![0]!.path).toEqual([
      { sampler: 'frequency_penalty', logit: 1, threshold: null },
      { sampler: 'top_k', logit: 1, threshold: 4 },
    ])
    expect(watched![1]!.path).toEqual([{ sampler: 'top_k', logit: -1, threshold: 4 }])
  }
})

it('follows a profile that sets the temperature last', () => {
  const { watched } = run(Float32Array.of(4, 3, 2, -1), {
    profile: 'llama.cpp',
    top_k: 3,
    min_p: 0.2,
    temperature: 5,
    watch_token_ids: [3, 2, 1],
  })
  expect(watched!.map(({ dropped_by }) => dropped_by)).toEqual(['top_k', 'min_p', null])
  const [step] = watched![1]!.path
  expect(step).toMatchObject({ sampler: 'min_p', logit: 2 })
  expect(step!.threshold).toBeCloseTo(4 + Math.log(0.2), 12)
})

it('has no threshold if a sampler does not cut the ranking of logits', () => {
  const { watched } = run(Float32Array.of(5, 1, 0, Number.NEGATIVE_INFINITY), {
    banned_token_ids: [1],
    xtc_probability: 1,
    xtc_threshold: 0.001,
    watch_token_ids: [0, 1, 2, 3],
  })
  expect(watched!.map(({ dropped_by, path }) => [dropped_by, path])).toEqual([
    ['xtc', [{ sampler: 'xtc', logit: 5, threshold: null }]],
    ['mask', [{ sampler: 'mask', logit: 1, threshold: null }]],
    [null, []],
    ['logits', []],
  ])
})

it('lists a repeated id once', () => {
  const { watched } = run(Float32Array.of(2, 1), { watch_token_ids: [1, 0, 1] })
  expect(watched!.map(({ token_id }) => token_id)).toEqual([1, 0])
})
