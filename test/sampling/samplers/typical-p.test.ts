import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { typicalP } from '../../../src/sampling/samplers/typical-p.ts'
import { ascending, longRows, padded, softmax } from '../naive.ts'
import { run } from '../run.ts'
import { describeSampler } from '../tester.ts'

describeSampler(typicalP, {
  cases: [
    // H = 1.2799. The distances are 0.36, 0.08, 0.33 and 1.02, so the order is 0.3, 0.2, 0.4, 0.1.
    [{ typical_p: 0.29 }, [0.4, 0.3, 0.2, 0.1], [0, 1, 0, 0]],
    [{ typical_p: 0.51 }, [0.4, 0.3, 0.2, 0.1], [4 / 9, 3 / 9, 2 / 9, 0]],
    [{ typical_p: 0.95 }, [0.4, 0.3, 0.2, 0.1], [0.4, 0.3, 0.2, 0.1]],
    [{ typical_p: 0 }, [0.4, 0.3, 0.2, 0.1], [0, 1, 0, 0]],
    // H = 0.5004. The distances are 0.64, 0.36 and 3.4, so 0.8 is the second.
    [{ typical_p: 0.1 }, [0.88, 0.1, 0.02], [1, 0, 0]],
    // All are equally near: lower ids first.
    [{ typical_p: 0.5 }, [0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0]],
  ],
  rejects: [{ typical_p: -0.1 }, { typical_p: 1.01 }, { typical_p: '0.9' }],
  strengths: fc.record({ typical_p: fc.double({ min: 0, max: 1, noNaN: true }) }),
})

it('may remove the most likely token', () => {
  const logits = Float32Array.from([0.4, ...new Array<number>(60).fill(0.01)], Math.log)
  expect(run(logits, { typical_p: 0.2 }).ids).not.toContain(0)
})

it('keeps all ties under transformers, and goes on past the share under llama.cpp', () => {
  const kept = (profile: 'kelvin' | 'llama.cpp' | 'transformers', row: Float32Array) =>
    run(row, { typical_p: 0.5, profile }).ids
  for (const row of [new Float32Array(4), padded(new Float32Array(4))]) {
    expect(kept('kelvin', row)).toEqual([0, 1])
    expect(kept('llama.cpp', row)).toEqual([0, 1, 2])
    expect(kept('transformers', row)).toEqual([0, 1, 2, 3])
  }
})

it('takes the likelier of two equally near tokens first', () => {
  // At this temperature the probabilities are 1/2, 1/4, 1/4, and each is half a bit from the entropy.
  const temperature = 1 / Math.LN2
  const logits = Float32Array.of(0, 1, 0)
  expect(run(logits, { temperature, typical_p: 0.49 }).ids).toEqual([1])
  expect(run(logits, { temperature, typical_p: 0.51 }).ids).toEqual([0, 1])
})

it('works if probabilities are 0', () => {
  const logits = Float32Array.of(-1e4, 0, -1, 3e4 - 3e4, Number.NEGATIVE_INFINITY)
  expect(run(logits, { typical_p: 0.9 }).ids).toEqual([1, 2, 3])
  expect(run(Float32Array.of(3e38, -3e38, 0), { typical_p: 0.9 }).ids).toEqual([0])
})

it('leaves the min_tokens_to_keep nearest tokens, however unlikely', () => {
  const params = { typical_p: 0.1, min_tokens_to_keep: 3 }
  const logits = Float32Array.of(1, 2, 9, 4)
  expect(run(logits, params).ids).toEqual([1, 2, 3])
  expect(run(padded(logits), params).ids).toEqual([1, 2, 3])
  // With 400 tokens above the center, the 300 nearest are not the 300 most likely.
  const row = padded(
    Float32Array.from({ length: 4200 }, (_, id) => (id < 400 ? 1 + id / 1e4 : id / 1e4)),
  )
  const { ids } = run(row, { typical_p: 0.001, min_tokens_to_keep: 300 })
  expect(ids).toEqual(
    nearest(row)
      .slice(0, 300)
      .sort((a, b) => a - b),
  )
})

function nearest(logits: Float32Array, temperature = 1): number[] {
  const { entropy, max, total, ranking } = softmax(logits, temperature)
  const apart = (id: number) =>
    Math.abs((max - logits[id]!) / temperature + Math.log(total) - entropy)
  return ranking.sort((a, b) => apart(a) - apart(b) || a - b)
}

describe('agrees with the definition', () => {
  it.each(Object.entries(longRows).filter(([name]) => name !== 'uniform'))('%s', (_, logits) => {
    for (const temperature of [0.5, 1, 3]) {
      const { p } = softmax(logits, temperature)
      const byDistance = nearest(logits, temperature)
      for (const typical_p of [0.1, 0.5, 0.9, 0.99]) {
        let sum = 0
        const crossing = byDistance.findIndex((id) => {
          sum += p[id]!
          return sum >= typical_p
        })
        expect(run(logits, { temperature, typical_p }).ids).toEqual(
          ascending(byDistance.slice(0, crossing + 1)),
        )
      }
    }
  })
})
