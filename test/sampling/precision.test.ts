import { describe, expect, it } from 'vitest'
import { resultsOf } from '../../src/sampling/sample.ts'
import { gaussian, realisticRow, seeded } from './rows.ts'
import { dense, type Params, requestFor, run } from './run.ts'

/** Numbers that rounding would lose, with vocabularies that are dense and not. */

const sizes = [3, 4095, 4096, 40_000]

/** Some logits, padded with −∞ to the size of a vocabulary. */
function headed(vocabSize: number, ...head: number[]): Float32Array {
  const row = new Float32Array(vocabSize).fill(Number.NEGATIVE_INFINITY)
  row.set(head)
  return row
}

const tempered = (...names: string[]) => ({ order: ['temperature', ...names] as Params['order'] })

describe.each(sizes)('V = %i', (vocabSize) => {
  const row = headed(vocabSize, 20, 20, 1)
  const shares = (params: Params, history = {}) =>
    dense(run(row, params, undefined, history), vocabSize).slice(0, 3)

  describe('thresholds far below the rounding of a logit', () => {
    it.each<[Params, number[]]>([
      [{ epsilon_cutoff: 0.6 }, [1, 0, 0]],
      [{ epsilon_cutoff: 0.5 }, [0.5, 0.5, 0]],
      [{ eta_cutoff: 0.9 }, [0.5, 0.5, 0]],
      [{ top_a: 1 }, [0.5, 0.5, 0]],
      [{ p_less: true }, [0.5, 0.5, 0]],
      [{ min_p: 1 }, [0.5, 0.5, 0]],
      [{ typical_p: 0.5 }, [1, 0, 0]],
      [{ top_p: 0.5 }, [1, 0, 0]],
      // Both tokens have a surprise of one bit, more than the μ of 0.9.
      [{ mirostat: 2, mirostat_tau: 0.45 }, [1, 0, 0]],
      [{ mirostat: 2, mirostat_tau: 0.5 }, [0.5, 0.5, 0]],
      [{ xtc_probability: 1, xtc_threshold: 0.5 }, [0, 1, 0]],
      [{ xtc_probability: 1, xtc_threshold: 0.51 }, [0.5, 0.5, 0]],
      [{ xtc_probability: 0.4, xtc_threshold: 0.5, xtc_mode: 'expected' }, [0.3, 0.7, 0]],
    ])('%j', (params, expected) => {
      expect(shares({ temperature: 1e-15, ...params })).toEqual(
        expected.map((p) => expect.closeTo(p, 12)),
      )
    })
  })

  describe('changes after a tiny temperature', () => {
    const odds = (...logits: number[]) => {
      const masses = logits.map(Math.exp)
      return masses.map((mass) => mass / masses.reduce((a, b) => a + b))
    }
    it.each<[Params, object, number[]]>([
      [{ frequency_penalty: 1 }, { output: [0, 0] }, odds(-2, 0)],
      [{ presence_penalty: 0.5 }, { output: [1] }, odds(0, -0.5)],
      [{ logit_bias: { 0: 0.25, 1: -0.5 } }, {}, odds(0.25, -0.5)],
      [
        { sequence_bias: [{ token_ids: [7 % vocabSize, 1], bias: 2 }] },
        { output: [7 % vocabSize] },
        odds(0, 2),
      ],
      [
        { dry_multiplier: 0.8, dry_allowed_length: 1, dry_base: 1 },
        { output: [2, 0, 2] },
        odds(-0.8, 0),
      ],
      [{ smoothing_factor: 1 }, {}, odds(0, 0)],
    ])('%j', (params, history, expected) => {
      const order = tempered(
        'frequency_penalty',
        'presence_penalty',
        'logit_bias',
        'sequence_bias',
        'dry',
        'smoothing',
      )
      expect(shares({ temperature: 1e-15, ...params, ...order }, history)).toEqual([
        ...expected.map((p) => expect.closeTo(p, 12)),
        0,
      ])
    })

    it('a repetition penalty still divides the logit itself', () => {
      const params = { temperature: 1e-15, frequency_penalty: 1, repetition_penalty: 2 }
      const order = tempered('frequency_penalty', 'repetition_penalty')
      expect(shares({ ...params, ...order }, { output: [0] })).toEqual([0, 1, 0])
    })
  })

  describe('temperatures from the smallest to the largest', () => {
    const odds = (...logits: number[]) => {
      const masses = logits.map((logit) => Math.exp(logit - Math.max(...logits)))
      return masses.map((mass) => expect.closeTo(mass / masses.reduce((a, b) => a + b), 12))
    }
    const through = (row: number[], params: Params, order: Params['order']) =>
      dense(run(headed(vocabSize, ...row), { ...params, order }), vocabSize).slice(0, row.length)

    it.each([1e-300, 1, 1e99, 1e100, 1e149, 1e160, 1e300, Number.MAX_VALUE])(
      'a bias after temperature %d',
      (temperature) => {
        const biased = { temperature, logit_bias: { 0: 100, 1: 98 } }
        expect(through([0, 0], biased, ['temperature', 'logit_bias'])).toEqual(odds(100, 98))
        expect(
          through([0, 0], { temperature, logit_bias: { 0: 5 } }, ['temperature', 'logit_bias']),
        ).toEqual(odds(5, 0))
      },
    )

    it('a huge temperature flattens a huge bias before it', () => {
      const params = { temperature: 1e300, logit_bias: { 0: 1e150 } }
      expect(through([0, 0], params, ['logit_bias', 'temperature'])).toEqual(odds(0, 0))
      expect(
        through([1, 0, 0], { temperature: 1e300, logit_bias: { 0: 5 } }, [
          'temperature',
          'logit_bias',
        ]),
      ).toEqual(odds(5, 0, 0))
    })

    it.each([1, 1e149, 1e160, 1e300])('XTC on average at temperature %d', (temperature) => {
      const params = {
        temperature,
        xtc_probability: 0.5,
        xtc_threshold: 0,
        xtc_mode: 'expected',
      } as const
      const [a, b, c] = through([2.5, 2.5, 2.5], params, ['temperature', 'xtc']) as number[]
      expect([a, b, c]).toEqual([1 / 6, 1 / 6, 2 / 3].map((p) => expect.closeTo(p, 12)))
    })

    it.each([5e-324, 1e-230, 1e-15])('smoothing at temperature %d', (temperature) => {
      expect(
        through([20, 1], { temperature, smoothing_factor: 0.5 }, ['temperature', 'smoothing']),
      ).toEqual([1, 0])
    })

    it('smoothing with a tiny factor', () => {
      const params = { temperature: 1e-15, smoothing_factor: 3e-33 }
      const d = 19 / 1e-15
      expect(through([20, 1], params, ['temperature', 'smoothing'])).toEqual(
        odds(0, -3e-33 * d * d),
      )
      const spread = { smoothing_factor: 1e-17, top_n_sigma: 1 }
      expect(through([-29.5, -29.5, -27], spread, ['smoothing', 'top_n_sigma'])).toEqual([0, 0, 1])
    })

    it.each([1, 1e8, 1e14, 1e16, 1e20])('typical_p at temperature %d', (temperature) => {
      const { ids } = run(headed(vocabSize + 2, 20, 20.5, 22, 22.5, 21.5), {
        temperature,
        typical_p: 0.55,
      })
      expect(ids).toEqual(temperature === 1 ? expect.anything() : [1, 2, 4])
    })

    it('logprobs of tokens in play are numbers', () => {
      const params = { temperature: 5e-324, top_logprobs: 3, logprob_token_ids: [1] }
      const { drawn, top, scored } = run(headed(vocabSize, 10, 2, 1), params, {
        n: 2,
        replacement: false,
      })
      for (const { logprobs } of [drawn!, top!, scored!]) {
        for (const logprob of logprobs) expect(logprob).toBeGreaterThanOrEqual(-Number.MAX_VALUE)
      }
    })

    it('a huge bias on one token does not merge the others', () => {
      const params = { logit_bias: { 0: 9e15, 2: -50 } }
      expect(run(headed(vocabSize, 0, 1, 1.2), { ...params, top_k: 2 }).ids).toEqual([0, 1])
      const row = headed(vocabSize + 1, 0, 1, 1.49, 1.2)
      expect(run(row, { logit_bias: { 0: 9e15, 3: -50 }, top_k: 2 }).ids).toEqual([0, 2])
    })

    it('top_n_sigma of any size keeps equal tokens', () => {
      const even = new Float32Array(vocabSize)
      const { ids, trace } = run(even, { top_n_sigma: Number.MAX_VALUE, trace: true })
      expect(ids.length).toBe(vocabSize)
      expect(trace![0]!.threshold).toBeNull()
    })
  })

  it('XTC on average if the rest underflows float64', () => {
    const expected = (xtc_probability: number, ...logits: number[]) =>
      dense(
        run(headed(vocabSize, ...logits), {
          xtc_probability,
          xtc_threshold: 0,
          xtc_mode: 'expected',
        }),
        vocabSize,
      ).slice(0, logits.length)
    expect(expected(0.5, 750, 0)).toEqual([0.5, 0.5])
    expect(expected(0.3, 1e30, 0)).toEqual([expect.closeTo(0.7, 12), expect.closeTo(0.3, 12)])
    expect(expected(1, 750, 0)).toEqual([0, 1])
    expect(expected(0.25, 2000, 1000, 0)).toEqual([
      expect.closeTo(0.75, 12),
      0,
      expect.closeTo(0.25, 12),
    ])
  })

  it('top-nσ keeps two tokens at n = 2, however far apart', () => {
    const random = seeded(vocabSize)
    for (let i = 0; i < 200; i++) {
      const [a, b] = [60 * random() - 30, 60 * random() - 30]
      expect(run(headed(vocabSize, a, b), { top_n_sigma: 2 }).ids).toEqual([0, 1])
      expect(run(headed(vocabSize, a, b), { top_n_sigma: 1.999 }).ids.length).toBe(1)
    }
    const halves = Float32Array.from({ length: vocabSize & ~1 }, (_, id) => (id % 2 ? 1.7 : -0.3))
    expect(run(halves, { top_n_sigma: 2 }).ids.length).toBe(halves.length)
    expect(run(halves, { top_n_sigma: 1.999 }).ids.length).toBe(halves.length / 2)
  })

  it('the entropy of a nearly certain row', () => {
    for (const distance of [10, 30, 40, 300]) {
      const rest = 2 * Math.exp(-distance)
      const entropy = Math.log1p(rest) + (distance * rest) / (1 + rest)
      const answer = run(headed(vocabSize, distance, 0, 0), {}, { seed: 1n })
      expect(answer.entropy / entropy).toBeCloseTo(1, 12)
      expect(answer.drawn!.logprobs[0]! / -Math.log1p(rest)).toBeCloseTo(1, 12)
    }
  })
})

describe.each([
  ['flat', (size: number) => Float32Array.from({ length: size }, gaussian.bind(null, seeded(3)))],
  ['realistic', (size: number) => realisticRow(size, seeded(4))],
])('a %s dense row with probabilities in the answer', (_, make) => {
  it.each([{}, { temperature: 2 }, { top_p: 0.9999 }, { logprobs_mode: 'raw' }] as Params[])(
    'has logprobs that agree with the probabilities: %j',
    (params) => {
      const logits = make(50_000)
      const settings = { ...params, top_logprobs: 3, logprob_token_ids: [5, 77] }
      const request = requestFor(logits, settings, { n: 4, seed: 2n })
      const tokens = [...resultsOf([request])][0]!.drawn!.token_ids
      const report = { isExact: true, probabilities: 'kept', entropy: true } as const
      const [result] = resultsOf([{ ...request, report }])
      const { kept, entropy, drawn, top, scored } = result!
      // Reports do not change the draw.
      expect(drawn!.token_ids).toEqual(tokens)
      const reported =
        params.logprobs_mode === 'raw'
          ? run(logits, { order: [] })
          : { ids: [...kept!.token_ids], probabilities: kept!.probabilities }
      const pOf = new Map(reported.ids.map((id, i) => [id, reported.probabilities[i]!]))
      const pairs = [drawn!, top!, scored!].flatMap(({ token_ids, logprobs }) =>
        token_ids.map((id, i) => [pOf.get(id), logprobs[i]] as const),
      )
      for (const [p, logprob] of pairs) {
        if (logprob !== null) expect(Math.abs(logprob! - Math.log(p!))).toBeLessThan(1e-12)
      }
      if (params.logprobs_mode === 'raw') return
      const direct = reported.probabilities.reduce((sum, p) => sum - p * Math.log(p), 0)
      expect(Math.abs(entropy! / direct - 1)).toBeLessThan(1e-10)
    },
  )
})
