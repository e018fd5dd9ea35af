import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dry } from '../../../src/sampling/samplers/dry.ts'
import { type History, run } from '../run.ts'
import { describeSampler } from '../tester.ts'

const even = [0.25, 0.25, 0.25, 0.25]
/** Each repeated token past the allowed length halves the odds again. */
const halving = { dry_multiplier: Math.LN2, dry_base: 1 }

describeSampler(dry, {
  cases: [
    [halving, even, [2 / 7, 2 / 7, 1 / 7, 2 / 7], { output: [0, 1, 2, 0, 1] }],
    [halving, even, [2 / 7, 2 / 7, 1 / 7, 2 / 7], { prompt: [0, 1, 2], output: [0, 1] }],
    // A match of one token is shorter than allowed.
    [halving, even, even, { output: [0, 1, 2, 3, 1] }],
    [{ ...halving, dry_base: 0.9 }, even, even, { output: [0, 1, 2, 0, 1] }],
    [{ ...halving, dry_penalty_last_n: 0 }, even, even, { output: [0, 1, 2, 0, 1] }],
    [{ ...halving, dry_penalty_last_n: 4 }, even, even, { output: [0, 1, 2, 0, 1] }],
    [{ ...halving, dry_allowed_length: 5 }, even, even, { output: [0, 1, 2, 0, 1] }],
    [halving, even, even],
  ],
  rejects: [
    { dry_multiplier: -1 },
    { dry_base: -1 },
    { dry_base: '2' },
    { dry_allowed_length: -1 },
    { dry_allowed_length: 1.5 },
    { dry_penalty_last_n: -2 },
    { dry_sequence_breakers: ['\n'] },
    { dry_sequence_breakers: [[]] },
  ],
  strengths: fc.record({
    dry_multiplier: fc.double({ min: 0, max: 1000, noNaN: true }),
    dry_base: fc.double({ min: 0, max: 1000, noNaN: true }),
  }),
})

/** The penalty of each token. All logits are equal before, and token 9 never occurs. */
function losses(params: object, history: History): Record<number, number> {
  const settings = { dry_multiplier: 1, dry_base: 2, ...params }
  const { probabilities } = run(new Float32Array(10), settings, undefined, history)
  const lost = Array.from(probabilities, (p) => Math.log(probabilities[9]! / p))
  return Object.fromEntries(
    lost.map((l, id) => [id, Math.round(l * 1e6) / 1e6]).filter(([, l]) => l),
  )
}

/** The definition, place by place. */
function byDefinition(tokens: number[], allowed: number, limit: number): Record<number, number> {
  const lengths = new Map<number, number>()
  for (let i = 1; i < tokens.length; i++) {
    let length = 0
    while (length < i && tokens[i - 1 - length] === tokens[tokens.length - 1 - length]) length++
    lengths.set(tokens[i]!, Math.max(lengths.get(tokens[i]!) ?? 0, Math.min(length, limit)))
  }
  const penalised = [...lengths].filter(([, length]) => length >= allowed)
  if (tokens.length <= allowed || limit < allowed) return {}
  return Object.fromEntries(
    penalised.map(([id, length]) => {
      const lost = 2 ** (length - allowed)
      // e^−1024 is 0, so larger penalties look infinite.
      return [id, lost > 700 ? Number.POSITIVE_INFINITY : lost]
    }),
  )
}

describe('dry', () => {
  it('is multiplier · base^(length − allowed) for the longest match', () => {
    const output = [1, 2, 3, 4, 5, 3, 6, 1, 2, 3]
    expect(losses({}, { output })).toEqual({ 4: 2 })
    expect(losses({ dry_allowed_length: 1 }, { output })).toEqual({ 4: 4, 6: 1 })
    expect(losses({ dry_allowed_length: 3 }, { output })).toEqual({ 4: 1 })
    expect(losses({ dry_multiplier: 0.5, dry_base: 3 }, { output })).toEqual({ 4: 1.5 })
  })

  it('follows its definition on any history', () => {
    const history = fc.array(fc.nat(2), { maxLength: 14 })
    fc.assert(
      fc.property(history, history, fc.nat(4), fc.nat(20), (prompt, output, allowed, last) => {
        const params = { dry_allowed_length: allowed, dry_penalty_last_n: last }
        const tokens = [...prompt, ...output]
        const window = last === 0 ? [] : tokens.slice(-last)
        const expected = byDefinition(window, allowed, window.length)
        expect(losses(params, { prompt, output })).toEqual(expected)
      }),
    )
  })

  it('with an allowed length of 0, penalises every token that has followed another', () => {
    expect(losses({ dry_allowed_length: 0 }, { output: [1, 2, 3] })).toEqual({ 2: 1, 3: 1 })
  })

  it('does not match across a breaker, and never penalises one of a single token', () => {
    const output = [1, 2, 3, 4, 7, 1, 2, 3]
    expect(losses({}, { output })).toEqual({ 4: 2 })
    expect(losses({ dry_sequence_breakers: [[7]] }, { output })).toEqual({ 4: 2 })
    expect(losses({ dry_sequence_breakers: [[1]] }, { output })).toEqual({ 4: 1 })
    expect(losses({ dry_sequence_breakers: [[2]] }, { output })).toEqual({})
    expect(losses({ dry_sequence_breakers: [[4]] }, { output })).toEqual({})
    // Allowed length 1, one token after the breaker: the exponent is 0.
    const one = { dry_sequence_breakers: [[2]], dry_allowed_length: 1 }
    expect(losses(one, { output })).toEqual({ 4: 1 })
    expect(losses({ ...one, dry_sequence_breakers: [[3]] }, { output })).toEqual({})
  })

  it('uses the longest of the breakers that begin last, if it is complete', () => {
    const output = [1, 2, 3, 4, 7, 1, 2, 3]
    expect(losses({ dry_sequence_breakers: [[1, 2]] }, { output })).toEqual({})
    expect(losses({ dry_sequence_breakers: [[7, 1]] }, { output })).toEqual({ 4: 1 })
    expect(losses({ dry_sequence_breakers: [[7, 1], [7]] }, { output })).toEqual({ 4: 1 })
    // A breaker that is incomplete.
    expect(losses({ dry_sequence_breakers: [[3, 5]] }, { output })).toEqual({ 4: 2 })
    expect(losses({ dry_sequence_breakers: [[2, 3, 4, 8]] }, { output })).toEqual({ 4: 2 })
    // A token of a longer breaker is penalised like any other.
    expect(losses({ dry_sequence_breakers: [[4, 7]] }, { output })).toEqual({ 4: 2 })
  })

  it('grows no further than float32', () => {
    const output = Array<number>(3000).fill(0)
    const logits = Float32Array.of(3.4e38, 0)
    const params = { dry_multiplier: 1, dry_base: 1000 }
    // 1000^⌊88.72 / ln 1000⌋ is 1e36: not enough against this logit.
    expect(run(logits, params, undefined, { output }).probabilities).toEqual(Float64Array.of(1, 0))
    const flat = run(Float32Array.of(0, 0), params, undefined, { output })
    expect(flat.probabilities).toEqual(Float64Array.of(0, 1))
  })

  it('has no cap if it cannot overflow', () => {
    const output = Array<number>(3000).fill(0)
    const params = { dry_multiplier: 1, dry_base: 1.000001 }
    const length = 3000 - 1 - 2
    expect(losses(params, { output })[0]).toBeCloseTo(1.000001 ** length, 6)
  })

  it('takes time linear in the history', () => {
    const output = Array<number>(200_000).fill(1)
    const { probabilities } = run(new Float32Array(4), { dry_multiplier: 1 }, undefined, { output })
    expect(probabilities[1]).toBe(0)
  })
})
