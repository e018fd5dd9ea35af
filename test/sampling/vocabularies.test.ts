import { describe, expect, it } from 'vitest'
import { purposes, uniforms } from '../../src/sampling/philox.ts'
import { firstDifference } from '../difference.ts'
import { ascending, softmax } from './naive.ts'
import { gaussian, realisticRow, seeded } from './rows.ts'
import { run } from './run.ts'

/** Compares rows as long as real vocabularies with the definitions, computed by sorting in float64. */

const toBfloat16 = (logits: Float32Array) => {
  const words = new Uint32Array(logits.buffer).map((word) => word & 0xffff_0000)
  return new Float32Array(words.buffer)
}

const rows: Record<string, Float32Array> = {
  'V = 32,000': realisticRow(32_000, seeded(11)),
  'V = 128,256': realisticRow(128_256, seeded(12)),
  'V = 131,072, bfloat16': toBfloat16(realisticRow(131_072, seeded(13))),
  'V = 151,936, flat': Float32Array.from({ length: 151_936 }, gaussian.bind(null, seeded(14))),
  'V = 262,144': realisticRow(262_144, seeded(15)),
}

/** Biases that raise and lower some tokens, among them the most likely, and so set them aside in float64. */
const biases = (ranking: number[]) => ({
  [ranking[0]!]: -0.123456789,
  [ranking[1]!]: 0.3,
  [ranking[5000]!]: 2.345678901,
  [ranking[20_000]!]: -1.234567891,
})

describe.each(Object.entries(rows))('%s', (_, logits) => {
  describe.each([0.7, 1, 1.6])('temperature %d', (temperature) => {
    const { p, ranking, entropy } = softmax(logits, temperature)

    it.each([0.5, 0.9, 0.95, 0.99, 0.999, 0.9999])('top_p %d', (top_p) => {
      let sum = 0
      const length = ranking.findIndex((id) => {
        sum += p[id]!
        return sum >= top_p
      })
      const answer = run(logits, { temperature, top_p })
      expect(answer.ids.length).toBe(length + 1)
      expect(firstDifference(answer.ids, ascending(ranking.slice(0, length + 1)))).toBeUndefined()
    })

    it('entropy and probabilities', () => {
      const answer = run(logits, { temperature, top_logprobs: 20 })
      expect(Math.abs(answer.entropy - entropy)).toBeLessThan(1e-6)
      answer.top!.token_ids.forEach((id, i) => {
        expect(id).toBe(ranking[i])
        expect(Math.abs(answer.top!.probabilities[i]! / p[id]! - 1)).toBeLessThan(2e-7)
      })
    })

    it('draws by the running sum of the probabilities', () => {
      for (let step = 0n; step < 20n; step++) {
        const settings = { temperature, logprobs_mode: 'raw' } as const
        const [id] = run(logits, settings, { seed: 5n, step }).drawn!.token_ids
        const [u] = uniforms({ seed: 5n, stream: 0n, step, purpose: purposes.draw }, 1)
        let before = 0
        for (let other = 0; other < id!; other++) before += p[other]!
        expect(before).toBeLessThanOrEqual(u! + 1e-7)
        expect(before + p[id!]!).toBeGreaterThan(u! - 1e-7)
      }
    })
  })

  it.each([1, 40, 3000, 70_000])('top_k %d', (top_k) => {
    const { ranking } = softmax(logits)
    const { ids } = run(logits, { top_k })
    expect(firstDifference(ids, ascending(ranking.slice(0, top_k)))).toBeUndefined()
  })

  it.each([0.9, 0.999])('with tokens set aside: top_p %d', (top_p) => {
    const { ranking } = softmax(logits)
    const logit_bias = biases(ranking)
    const biased = Float64Array.from(logits)
    for (const [id, bias] of Object.entries(logit_bias)) biased[Number(id)]! += bias
    const max = biased.reduce((a, b) => Math.max(a, b))
    const weights = biased.map((logit) => Math.exp(logit - max))
    const total = weights.reduce((a, b) => a + b)
    const order = [...logits.keys()].sort((a, b) => biased[b]! - biased[a]! || a - b)
    let sum = 0
    const length = order.findIndex((id) => {
      sum += weights[id]! / total
      return sum >= top_p
    })
    const answer = run(logits, { logit_bias, top_p })
    expect(firstDifference(answer.ids, ascending(order.slice(0, length + 1)))).toBeUndefined()
  })
})
