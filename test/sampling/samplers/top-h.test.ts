import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { topH } from '../../../src/sampling/samplers/top-h.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(topH, {
  cases: [
    // Terms in bits: 0.5, 0.5, 0.375 and 0.375 of 1.75.
    [{ top_h: 0.5 }, [0.5, 0.25, 0.125, 0.125], [1, 0, 0, 0]],
    [{ top_h: 0.8 }, [0.5, 0.25, 0.125, 0.125], [4 / 7, 2 / 7, 1 / 7, 0]], // of tied tokens the lower id
    [{ top_h: 1 }, [0.5, 0.25, 0.125, 0.125], [0.5, 0.25, 0.125, 0.125]],
    [{ top_h: 1e-9 }, [0.2, 0.5, 0.3], [0, 1, 0]], // the first always stays
    [{ top_h: 0.5 }, [1, 0, 0], [1, 0, 0]],
  ],
  rejects: [{ top_h: -0.1 }, { top_h: 1.01 }, { top_h: '0.4' }],
  strengths: fc.record({ top_h: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('keeps a token that reaches the bound exactly, whatever the rounding', () => {
  for (let tenths = 1; tenths <= 10; tenths++) {
    const { ids } = run(new Float32Array(10), { top_h: tenths / 10 })
    expect(ids.length).toBe(tenths)
  }
})

it('keeps only tokens among the 100 most likely', () => {
  const logits = Float32Array.from({ length: 300 }, (_, id) => -id / 100)
  expect(run(logits, { top_h: 1 }).ids).toEqual([...logits.keys()].slice(0, 100))
  const half = run(logits.subarray(0, 100), { top_h: 0.5 }).ids
  expect(run(logits, { top_h: 0.5 }).ids).toEqual(half)
  expect(run(padded(logits, -3), { top_h: 0.5 }).ids).toEqual(half)
})

it('removes a token of probability 0, even if it keeps the whole entropy', () => {
  expect(run(Float32Array.of(0, 1, -2000), { top_h: 1 }).ids).toEqual([0, 1])
})

it('leaves min_tokens_to_keep', () => {
  const params = { top_h: 0.01, min_tokens_to_keep: 3 }
  expect(run(Float32Array.of(1, 2, 9, 4), params).ids).toEqual([1, 2, 3])
  expect(run(padded(Float32Array.of(1, 2, 9, 4)), params).ids).toEqual([1, 2, 3])
})

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows).filter(([name]) => name !== 'uniform'))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p, ranking } = softmax(logits, temperature)
      const top = ranking.slice(0, 100)
      const total = top.reduce((sum, id) => sum + p[id]!, 0)
      const terms = top.map((id) => (p[id]! > 0 ? -(p[id]! / total) * Math.log(p[id]! / total) : 0))
      const entropy = terms.reduce((a, b) => a + b)
      for (const top_h of [0.05, 0.3, 0.61, 0.937]) {
        let sum = 0
        const crossing = terms.findIndex((term) => {
          sum += term
          return sum > top_h * entropy
        })
        expect(run(logits, { top_h, temperature }).ids).toEqual(
          ascending(top.slice(0, Math.max(1, crossing))),
        )
      }
    }
  })
})
