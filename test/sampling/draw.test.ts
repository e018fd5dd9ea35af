import { describe, expect, it } from 'vitest'
import { uniforms } from '../../src/sampling/philox.ts'
import { readRows } from '../golden/read.ts'
import { run } from './run.ts'

const { rows } = readRows('stories260k')
/** A row of a real story with high entropy. */
const row = rows.reduce((widest, candidate) =>
  run(candidate, {}).entropy > run(widest, {}).entropy ? candidate : widest,
)

/** χ²: Σ (observed − expected)² / expected. Tokens that are expected fewer than five times are combined. */
function chiSquare(counts: Map<number, number>, probabilities: Map<number, number>, n: number) {
  let statistic = 0
  let categories = 0
  let rareExpected = 0
  let rareObserved = 0
  for (const [id, p] of probabilities) {
    const observed = counts.get(id) ?? 0
    if (n * p < 5) {
      rareExpected += n * p
      rareObserved += observed
    } else {
      statistic += (observed - n * p) ** 2 / (n * p)
      categories++
    }
  }
  if (rareExpected > 0) {
    statistic += (rareObserved - rareExpected) ** 2 / rareExpected
    categories++
  }
  return { statistic, freedom: categories - 1 }
}

describe('draw', () => {
  it.each([{ temperature: 1 }, { temperature: 0.7, top_p: 0.95 }, { temperature: 1.5, top_k: 40 }])(
    'follows the distribution of a real row: %j',
    (params) => {
      const n = 50_000
      const { drawn, ids, probabilities } = run(row, params, { n, seed: 2026n })
      const counts = new Map<number, number>()
      for (const id of drawn!.token_ids) counts.set(id, (counts.get(id) ?? 0) + 1)
      const { statistic, freedom } = chiSquare(
        counts,
        new Map(ids.map((id, i) => [id, probabilities[i]!])),
        n,
      )
      // The statistic has mean `freedom` and variance 2 `freedom`. It exceeds four standard deviations once in 30,000 runs.
      expect(freedom).toBeGreaterThan(20)
      expect(Math.abs(statistic - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom))
    },
  )

  it('takes the smallest id whose running sum exceeds u · total', () => {
    const seed = 42n
    const n = 100
    const { drawn, ids, probabilities } = run(row, {}, { n, seed })
    const random = uniforms({ seed, stream: 0n, step: 0n, purpose: 0n }, n)
    const expected = Array.from(random, (u) => {
      let sum = 0
      for (const [i, p] of probabilities.entries()) {
        sum += p
        if (sum > u) return ids[i]
      }
      return undefined
    })
    expect(drawn!.token_ids).toEqual(expected)
  })

  it('gives other tokens for another seed, stream or step', () => {
    const draws = [{}, { seed: 1n }, { stream: 1n }, { step: 1n }].map(
      (address) => run(row, {}, { n: 20, ...address }).drawn!.token_ids,
    )
    expect(new Set(draws.map(String)).size).toBe(4)
  })

  it('draws each token at most once without replacement, by probability', () => {
    const logits = Float32Array.from([0.5, 0.3, 0.2], Math.log)
    const firstTwo = new Map<string, number>()
    const trials = 20_000
    for (let step = 0; step < trials; step++) {
      const { token_ids } = run(logits, {}, { n: 2, replacement: false, step: BigInt(step) }).drawn!
      expect(new Set(token_ids).size).toBe(2)
      firstTwo.set(String(token_ids), (firstTwo.get(String(token_ids)) ?? 0) + 1)
    }
    // P(0 then 1) = 0.5 · 0.3 / 0.5
    expect(firstTwo.get('0,1')! / trials).toBeCloseTo(0.3, 1)
    expect(firstTwo.get('2,1')! / trials).toBeCloseTo((0.2 * 0.3) / 0.8, 1)
  })

  it('draws every token if n is the number of tokens left', () => {
    const { drawn, ids } = run(row, { top_k: 12 }, { n: 12, replacement: false })
    expect(drawn!.token_ids.toSorted((a, b) => a - b)).toEqual(ids)
  })

  it('refuses to draw more different tokens than are left', () => {
    expect(() => run(row, { top_k: 3 }, { n: 4, replacement: false })).toThrow(
      'Cannot draw 4 different tokens from row 0: the samplers leave 3',
    )
  })

  it('draws without replacement from logits at any distance', () => {
    const far = Float32Array.of(10, 2, 1)
    const once = (n: number) => run(far, { temperature: 0.01 }, { n, replacement: false })
    expect(once(2).drawn!.token_ids).toEqual([0, 1])
    expect(once(3).drawn).toEqual({ token_ids: [0, 1, 2], logprobs: [0, -800, -900] })
    expect(() => once(4)).toThrow('leave 3')
    const steps = Float32Array.from({ length: 300 }, (_, i) => -((i * 7) % 300))
    const { token_ids } = run(steps, { temperature: 1e-3 }, { n: 300, replacement: false }).drawn!
    expect(token_ids.map((id) => steps[id])).toEqual([...steps].sort((a, b) => b - a))
  })

  it.each([3, 5000])('computes masses anew for what is left of %i tokens', (vocabSize) => {
    // The second draw is between logits 0.005 apart, far below the first: the odds are e^0.5 to 1.
    const logits = new Float32Array(vocabSize).fill(-100)
    logits.set([10, 2.57, 2.565])
    const trials = 4000
    let seconds = 0
    for (let step = 0; step < trials; step++) {
      const draw = { n: 2, replacement: false, step: BigInt(step) }
      const { token_ids } = run(logits, { temperature: 0.01 }, draw).drawn!
      expect(token_ids[0]).toBe(0)
      if (token_ids[1] === 1) seconds++
    }
    const share = Math.exp(0.5) / (1 + Math.exp(0.5))
    expect(Math.abs(seconds / trials - share)).toBeLessThan(4 * Math.sqrt(0.25 / trials))
  })

  it('reports the logprob of each token, after the samplers or of the raw logits', () => {
    const logits = Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log)
    const both = (['processed', 'raw'] as const).map((logprobs_mode) =>
      run(
        logits,
        { top_k: 2, logprobs_mode, top_logprobs: 4, logprob_token_ids: [1, 3] },
        { n: 9 },
      ),
    )
    const [processed, raw] = both
    expect(processed!.drawn!.token_ids).toEqual(raw!.drawn!.token_ids)
    processed!.drawn!.token_ids.forEach((id, i) => {
      const p = [0.4, 0.3][id]!
      expect(processed!.drawn!.logprobs[i]).toBeCloseTo(Math.log(p / 0.7), 6)
      expect(raw!.drawn!.logprobs[i]).toBeCloseTo(Math.log(p), 6)
    })
    expect(processed!.top!.token_ids).toEqual([0, 1])
    expect(raw!.top!.token_ids).toEqual([0, 1, 2, 3])
    expect(processed!.scored).toMatchObject({ token_ids: [1, 3], ranks: [2, null] })
    expect(processed!.scored!.logprobs[1]).toBeNull()
    expect(raw!.scored!.ranks).toEqual([2, 4])
  })
})
