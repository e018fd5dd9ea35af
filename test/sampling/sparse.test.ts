import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Candidates, parseSparse } from '../../src/sampling/sparse.ts'
import { realisticRow, seeded } from './rows.ts'
import { type Params, run } from './run.ts'

/** Rows of which only the most likely tokens are known, held to what the whole row comes to. */

const V = 2000
const K = 64

function mostLikely(row: Float32Array, count: number, weighed: boolean): Candidates {
  const ids = Uint32Array.from(row.keys())
    .sort((a, b) => row[b]! - row[a]! || a - b)
    .slice(0, count)
    .sort()
  const sum = row.reduce((total, logit) => total + Math.exp(logit), 0)
  return {
    vocabSize: row.length,
    ids,
    values: ids.reduce((values, id, i) => values.fill(row[id]!, i, i + 1), new Float32Array(count)),
    ...(weighed && { logZ: Math.log(sum) }),
  }
}

const random = seeded(5)
const rows = Array.from({ length: 8 }, () => realisticRow(V, random))

/** A parameter that is switched on every now and then. */
const now = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
const unit = fc.double({ min: 0.01, max: 1, noNaN: true })
const ids = fc.uniqueArray(fc.nat(V - 1), { maxLength: 5 })

const anyParams = fc
  .record({
    temperature: now(fc.constantFrom(0, 0.3, 0.7, 1, 1.4, 3)),
    top_k: now(fc.constantFrom(1, 5, K - 1, K, K + 1, 500)),
    top_p: now(unit),
    min_p: now(fc.constantFrom(1e-6, 1e-3, 0.05, 0.5)),
    typical_p: now(unit),
    top_n_sigma: now(fc.constantFrom(0.5, 1, 3)),
    epsilon_cutoff: now(fc.constantFrom(1e-9, 1e-4, 0.02)),
    eta_cutoff: now(fc.constantFrom(1e-4, 0.02)),
    top_a: now(unit),
    tfs: now(unit),
    top_h: now(unit),
    p_less: now(fc.constant(true)),
    smoothing_factor: now(fc.constantFrom(0.1, 1)),
    dynatemp_range: now(fc.constant(0.2)),
    banned_token_ids: now(ids),
    allowed_token_ids: now(fc.uniqueArray(fc.nat(V - 1), { minLength: 1, maxLength: 40 })),
    min_tokens_to_keep: now(fc.constantFrom(1, 3, K + 5)),
    frequency_penalty: now(fc.constantFrom(-0.5, 1)),
    repetition_penalty: now(fc.constantFrom(0.8, 1.3)),
    profile: now(fc.constantFrom('vllm' as const, 'transformers' as const, 'llama.cpp' as const)),
    logit_bias: now(
      fc.dictionary(fc.nat(V - 1).map(String), fc.constantFrom(-3, 2, '-Infinity' as const), {
        maxKeys: 3,
      }),
    ),
  })
  .map((params) => JSON.parse(JSON.stringify(params)) as Params)

describe('a sparse row', () => {
  it('says full only where its probabilities are those of the whole row', () => {
    let full = 0
    let all = 0
    fc.assert(
      fc.property(fc.nat(7), fc.boolean(), anyParams, ids, (index, weighed, params, output) => {
        const row = rows[index]!
        let sparse: ReturnType<typeof run>
        try {
          sparse = run(mostLikely(row, K, weighed), params, undefined, { output })
        } catch {
          // A mask may leave none of the tokens given.
          return
        }
        all++
        if (sparse.normalization === 'candidates') {
          expect(sparse.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
          return
        }
        full++
        const whole = run(row, params, undefined, { output })
        const probabilityOf = new Map(whole.ids.map((id, i) => [id, whole.probabilities[i]!]))
        for (const [i, id] of sparse.ids.entries()) {
          expect(sparse.probabilities[i]).toBeCloseTo(probabilityOf.get(id) ?? 0, 7)
        }
        const mass = sparse.probabilities.reduce((a, b) => a + b)
        // What is not known of may only be left over where nothing was cut.
        if (whole.ids.length === sparse.ids.length) expect(mass).toBeCloseTo(1, 9)
      }),
      { numRuns: 3000 },
    )
    expect(full).toBeGreaterThan(20)
    expect(full).toBeLessThan(all)
  })

  it.each([
    { top_k: 40, top_p: 0.9, temperature: 0.8 },
    { top_k: K },
    { min_p: 0.05 },
    { temperature: 0 },
    { top_p: 0.8 },
  ])('draws what the whole row draws: %j', (params) => {
    for (const row of rows) {
      const draw = { n: 20, seed: 9n }
      const sparse = run(mostLikely(row, K, true), params, draw)
      expect(sparse.normalization).toBe('full')
      expect(sparse.drawn!.token_ids).toEqual(run(row, params, draw).drawn!.token_ids)
    }
  })

  it.each([
    [{}, false, 'candidates'],
    [{}, true, 'full'],
    [{ temperature: 0.7 }, true, 'candidates'],
    [{ temperature: 0.7, top_k: 10 }, false, 'full'],
    [{ top_k: K + 1 }, true, 'candidates'],
    [{ top_p: 0.5 }, false, 'candidates'],
    [{ top_p: 0.5 }, true, 'full'],
    [{ min_p: 0.1 }, false, 'full'],
    [{ top_n_sigma: 1 }, true, 'candidates'],
    [{ top_k: 10, logprobs_mode: 'raw' }, false, 'candidates'],
    [{ top_k: 10, logprobs_mode: 'raw' }, true, 'full'],
  ] as const)('%j, with log_z %s, is %s', (params, weighed, normalization) => {
    expect(run(mostLikely(rows[0]!, K, weighed), params).normalization).toBe(normalization)
  })

  it.each([40, 400, 4000])(
    'has an entropy of the tokens given, whatever log_z says: %i',
    (logZ) => {
      const given = { vocabSize: 9, ids: Uint32Array.of(0, 1), values: Float32Array.of(1, 1), logZ }
      expect(run(given, {}).entropy).toBeCloseTo(Math.LN2, 12)
    },
  )

  it('has exact logprobs with log_z', () => {
    const row = rows[0]!
    const scored = {
      logprob_token_ids: [...mostLikely(row, 5, false).ids],
      logprobs_mode: 'raw',
    } as const
    const sparse = run(mostLikely(row, K, true), scored).scored!
    const whole = run(row, scored).scored!
    sparse.logprobs.forEach((logprob, i) => {
      expect(logprob).toBeCloseTo(whole.logprobs[i]!, 6)
    })
    expect(sparse.ranks).toEqual(whole.ranks)
  })

  it('is the whole row where all tokens are given', () => {
    const row = rows[0]!.slice(0, 50)
    const { normalization, ...sparse } = run(mostLikely(row, 50, false), { top_p: 0.9 })
    expect(normalization).toBe('full')
    expect(sparse).toEqual(run(row, { top_p: 0.9 }))
  })
})

describe('token ids in any order', () => {
  const parse = (token_ids: number[], vocab_size: number): Candidates => {
    const values = token_ids.map((id) => id / 2)
    const { rows } = parseSparse({ vocab_size, token_ids, values }, (path, message) => {
      throw new Error(`${path.join('.')}: ${message}`)
    })
    return rows[0] as Candidates
  }

  it('come to be ascending, each with its value', () => {
    const id = fc.oneof(
      fc.nat(9),
      fc.nat(999),
      fc.nat(2 ** 31 - 2),
      fc.constantFrom(255, 256, 65_536),
    )
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 200 }), (given) => {
        const sorted = given.toSorted((a, b) => a - b)
        const { ids, values } = parse(given, 2 ** 31)
        expect(ids).toEqual(Uint32Array.from(sorted))
        expect(values).toEqual(Float32Array.from(sorted, (one) => one / 2))
      }),
    )
  })

  it.each([
    [[1, 2, 4], 'token_ids.2: Token id 4 is outside the vocabulary of 4 entries'],
    [[9, 0, 7], 'token_ids.2: Token id 7 is outside the vocabulary of 4 entries'],
    [[0, 0], 'token_ids.1: Token id 0 is there twice'],
    [[3, 1, 3, 9, 1], 'token_ids.4: Token id 1 is there twice'],
  ])('%j is refused', (given, message) => {
    expect(() => parse(given, 4)).toThrow(message)
  })
})
