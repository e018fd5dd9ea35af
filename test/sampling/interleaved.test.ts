import { expect, it } from 'vitest'
import { type RowResult, resultsOf } from '../../src/sampling/sample.ts'
import { realisticRow, seeded } from './rows.ts'
import { type Params, requestFor } from './run.ts'

/** Rows of different sizes and parameters, with all reports. */
function requestsOf(seed: number, sizes: readonly number[], params: Params) {
  const random = seeded(seed)
  return sizes.map((size) => ({
    ...requestFor(
      realisticRow(size, random),
      { ...params, top_logprobs: 3, logprob_token_ids: [0, 2], trace: true, watch_token_ids: [1] },
      { n: 3, seed: BigInt(seed) },
      { output: [1, 2, 2] },
    ),
    report: {
      isExact: true,
      keptCount: true,
      probabilities: 'kept',
      entropy: true,
      ranked: 4,
    } as const,
  }))
}

it('results of two requests can be interleaved, and do not change', () => {
  const requests = [
    requestsOf(1, [300, 40_000, 5], { temperature: 0.8, top_k: 40, repetition_penalty: 1.2 }),
    requestsOf(2, [40_000, 7, 1000], { top_p: 0.9, logprobs_mode: 'raw' }),
  ]
  const alone = requests.map((rows) => structuredClone([...resultsOf(rows)]))
  const [a, b] = requests.map((rows) => resultsOf(rows)) as [
    Generator<RowResult>,
    Generator<RowResult>,
  ]
  const together: RowResult[][] = [[], []]
  for (let row = 0; row < 3; row++) {
    together[0]!.push(a.next().value)
    together[1]!.push(b.next().value)
  }
  expect(together).toEqual(alone)
})
