import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseSparse } from '../../src/fields/sparse.ts'
import { kelvinOrder, type SamplerName, samplerByName } from '../../src/sampling/registry.ts'
import type { Candidates } from '../../src/tensors/candidates.ts'
import { realisticRow, seeded } from './rows.ts'
import { type Params, run } from './run.ts'

/** Sparse rows, compared with their dense rows. */

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

/** A parameter that is set in some cases. */
const now = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 })
const unit = fc.double({ min: 0.01, max: 1, noNaN: true })
const ids = fc.uniqueArray(fc.nat(V - 1), { maxLength: 5 })

const sequences = fc.array(fc.array(fc.nat(V - 1), { minLength: 1, maxLength: 2 }), {
  maxLength: 3,
})

const paramsByName = {
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
  presence_penalty: now(fc.constantFrom(-0.5, 1)),
  encoder_repetition_penalty: now(fc.constantFrom(0.8, 1.3)),
  dry_multiplier: now(fc.constant(0.8)),
  no_repeat_ngram_size: now(fc.constantFrom(1, 2)),
  exponential_decay_length_penalty: now(fc.constant({ start: 1, factor: 1.5 })),
  min_tokens: now(fc.constantFrom(1, 9)),
  bad_words_ids: now(sequences),
  sequence_bias: now(sequences.map((all) => all.map((token_ids) => ({ token_ids, bias: -1.5 })))),
  xtc_probability: now(fc.constant(1)),
  mirostat: now(fc.constantFrom(1 as const, 2 as const)),
  adaptive_target: now(fc.constant(0.4)),
}

/** Samplers that have no rule for sparse rows, and why. */
const untested: Partial<Record<SamplerName, string>> = {
  guidance: 'takes a whole row of other logits',
}

it('the property below uses a field of every sampler', () => {
  const names = kelvinOrder.filter(
    (name) => !Object.keys(samplerByName.get(name)!.fields).some((field) => field in paramsByName),
  )
  expect(names).toEqual(Object.keys(untested))
})

const anyParams = fc
  .record(paramsByName)
  .map((params) => JSON.parse(JSON.stringify(params)) as Params)

const stop = [11, 13]

describe('a sparse row', () => {
  it('answers full only if its probabilities are those of the dense row', () => {
    let full = 0
    let all = 0
    fc.assert(
      fc.property(fc.nat(7), fc.boolean(), anyParams, ids, (index, weighed, params, output) => {
        const row = rows[index]!
        let sparse: ReturnType<typeof run>
        try {
          sparse = run(mostLikely(row, K, weighed), params, undefined, { output, stop })
        } catch {
          // A mask may leave no candidate.
          return
        }
        all++
        if (sparse.normalization === 'candidates') {
          expect(sparse.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
          return
        }
        full++
        const whole = run(row, params, undefined, { output, stop })
        const probabilityOf = new Map(whole.ids.map((id, i) => [id, whole.probabilities[i]!]))
        for (const [i, id] of sparse.ids.entries()) {
          expect(sparse.probabilities[i]).toBeCloseTo(probabilityOf.get(id) ?? 0, 7)
        }
        const mass = sparse.probabilities.reduce((a, b) => a + b)
        // Tokens left out may only have mass if nothing was cut.
        if (whole.ids.length === sparse.ids.length) expect(mass).toBeCloseTo(1, 9)
      }),
      { numRuns: 3000 },
    )
    expect(full).toBeGreaterThan(20)
    expect(full).toBeLessThan(all)
  })

  it('draws from the distribution it reports', () => {
    fc.assert(
      fc.property(fc.nat(7), fc.boolean(), anyParams, ids, (index, weighed, params, output) => {
        const candidates = mostLikely(rows[index]!, K, weighed)
        let sparse: ReturnType<typeof run>
        try {
          sparse = run(candidates, params, { n: 3 }, { output, stop })
        } catch {
          return
        }
        expect(sparse.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
        sparse.drawn!.token_ids.forEach((id, i) => {
          const p = sparse.probabilities[sparse.ids.indexOf(id)]!
          expect(Math.exp(sparse.drawn!.logprobs[i]!)).toBeCloseTo(p, 12)
        })
      }),
      { numRuns: 500 },
    )
  })

  it('draws from the candidates if others have mass, and reports the given mass', () => {
    const given = {
      vocabSize: 10,
      ids: Uint32Array.of(3, 7),
      values: Float32Array.of(1, 0),
      logZ: 2,
    }
    const drawn = run(given, {}, { n: 20_000, seed: 1n })
    expect(drawn.normalization).toBe('candidates')
    expect(drawn.given_mass).toBeCloseTo((Math.E + 1) / Math.exp(2), 12)
    expect([...drawn.probabilities]).toEqual([
      expect.closeTo(Math.E / (Math.E + 1), 12),
      expect.closeTo(1 / (Math.E + 1), 12),
    ])
    const share = drawn.drawn!.token_ids.filter((id) => id === 3).length / 20_000
    expect(share).toBeCloseTo(Math.E / (Math.E + 1), 1)
    const undrawn = run(given, {})
    expect(undrawn).toMatchObject({ normalization: 'full', given_mass: drawn.given_mass })
    expect(undrawn.probabilities[0]).toBeCloseTo(Math.exp(1 - 2), 12)
  })

  it.each(['processed', 'raw'] as const)('has %s logprobs with any log_z', (logprobs_mode) => {
    for (const logZ of [2, 50, 3000, 1e300]) {
      const given = {
        vocabSize: 10,
        ids: Uint32Array.of(3, 7),
        values: Float32Array.of(1, 0),
        logZ,
      }
      const { drawn, scored } = run(given, { logprobs_mode, logprob_token_ids: [3] }, { seed: 1n })
      // Raw logprobs are those of the whole row, also if the draw is from the candidates.
      const first = logprobs_mode === 'raw' && logZ === 2 ? -1 : -0.3132617
      expect(drawn!.logprobs[0]).toBeCloseTo(drawn!.token_ids[0] === 3 ? first : first - 1, 6)
      expect(scored!.logprobs[0]).toBeCloseTo(first, 6)
      const undrawn = run(given, { logprobs_mode, logprob_token_ids: [3] })
      // The tokens left out cannot have more mass than eight tokens at the floor.
      expect(undrawn.normalization).toBe(logZ === 2 ? 'full' : 'candidates')
      expect(undrawn.scored!.logprobs[0]).toBeCloseTo(logZ === 2 ? -1 : -0.3132617, 6)
    }
  })

  /** Candidates with logits 3, 2, 2. All others may have 2, too. */
  const ties = (...ids: number[]) => ({
    vocabSize: 5,
    ids: Uint32Array.from(ids),
    values: Float32Array.of(3, 2, 2),
  })

  it.each([
    [{ top_k: 1 }, [0, 1, 2], 'full'],
    // Of tied tokens the lower ids come first, and every token left out has a higher id.
    [{ top_k: 2 }, [0, 1, 2], 'full'],
    [{ top_k: 3 }, [0, 1, 2], 'full'],
    [{ top_k: 2 }, [0, 1, 4], 'full'],
    [{ top_k: 3 }, [0, 1, 4], 'candidates'],
    [{ top_k: 2 }, [0, 2, 4], 'candidates'],
    [{ top_k: 1, profile: 'vllm' }, [0, 1, 2], 'full'],
    [{ top_k: 2, profile: 'vllm' }, [0, 1, 2], 'candidates'],
    [{ top_k: 3, profile: 'transformers' }, [0, 1, 2], 'candidates'],
    [{ min_p: Math.exp(-1) }, [0, 1, 2], 'candidates'],
    [{ min_p: 0.5 }, [0, 1, 2], 'full'],
    [{ epsilon_cutoff: 0.3 }, [0, 1, 2], 'candidates'],
    [{ temperature: 0 }, [1, 2, 3], 'full'],
  ] as const)('a cut at its smallest logit, %j of %j, is %s', (params, ids, normalization) => {
    expect(run(ties(...ids), params).normalization).toBe(normalization)
  })

  it('is full for a greedy choice among tied tokens only if no lower id is left out', () => {
    const equal = (...ids: number[]) => ({
      vocabSize: 5,
      ids: Uint32Array.from(ids),
      values: new Float32Array(ids.length),
    })
    expect(run(equal(0, 3), { temperature: 0 }).normalization).toBe('full')
    expect(run(equal(1, 3), { temperature: 0 }).normalization).toBe('candidates')
  })

  it.each([
    [{ logit_bias: { 11: 0.5 } }, 'full'],
    [{ logit_bias: { 11: '-Infinity' } }, 'full'],
    [{ logit_bias: { 11: -3, 318: 2 }, banned_token_ids: [286] }, 'full'],
    [{ banned_token_ids: [], min_tokens: 3 }, 'full'],
    [{ repetition_penalty: 1.3, frequency_penalty: 0.2 }, 'full'],
    [{ logit_bias: { 12: 0.5 } }, 'candidates'],
    [{ logit_bias: { 12: -0.5 } }, 'candidates'],
    [{ banned_token_ids: [12] }, 'candidates'],
    [{ allowed_token_ids: [11, 318, 13] }, 'full'],
    [{ allowed_token_ids: [11, 12] }, 'candidates'],
    [{ token_bitmask: bitmask((id) => id > 0 || id === 11) }, 'candidates'],
    [{ token_bitmask: bitmask((id) => id !== 11) }, 'full'],
    [{ token_bitmask: bitmask((id) => id === 11 || id === 13) }, 'full'],
  ] as const)('with log_z and %j is %s', (params, normalization) => {
    const given = {
      vocabSize: 500,
      ids: Uint32Array.of(11, 13, 286, 318),
      values: Float32Array.of(1.5, -0.5, 1, 2.5),
      logZ: 3.2,
    }
    const whole = new Float32Array(500)
    const left = Math.exp(3.2) - given.values.reduce((sum, logit) => sum + Math.exp(logit), 0)
    whole.fill(Math.log(left / 496))
    given.ids.forEach((id, i) => {
      whole[id] = given.values[i]!
    })
    const history = { output: [11, 318] }
    const sparse = run(given, params as Params, undefined, history)
    expect(sparse.normalization).toBe(normalization)
    if (normalization === 'candidates') return
    const { ids, probabilities } = run(whole, params as Params, undefined, history)
    const mass = sparse.ids.reduce((sum, id) => sum + probabilities[ids.indexOf(id)]!, 0)
    expect(sparse.given_mass).toBeCloseTo(mass, 7)
    sparse.ids.forEach((id, i) => {
      expect(sparse.probabilities[i]).toBeCloseTo(probabilities[ids.indexOf(id)]!, 7)
    })
  })

  it.each([
    { top_k: 40, top_p: 0.9, temperature: 0.8 },
    { top_k: K - 1 },
    { min_p: 0.05 },
    { temperature: 0 },
    { top_p: 0.8 },
  ])('draws the same tokens as the dense row: %j', (params) => {
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
    [{ temperature: 0.7, top_k: K }, false, 'candidates'],
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

  it.each([40, 400, 4000])('has the entropy of the candidates, whatever log_z is: %i', (logZ) => {
    const given = { vocabSize: 9, ids: Uint32Array.of(0, 1), values: Float32Array.of(1, 1), logZ }
    expect(run(given, {}).entropy).toBeCloseTo(Math.LN2, 12)
  })

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

  it.each([50, 4095, 4096, 9000])('is the dense row if all %i tokens are given', (vocabSize) => {
    const row = realisticRow(vocabSize, random)
    const rowAsSparse = parse({
      vocab_size: vocabSize,
      token_ids: [...row.keys()],
      values: [...row],
    })
    for (const params of [{}, { top_p: 0.9 }, { temperature: 0.3, top_k: 5 }]) {
      const settings = { ...params, top_logprobs: 5 }
      const draw = { n: 5, seed: 3n }
      const { normalization, given_mass, ...sparse } = run(rowAsSparse, settings, draw)
      expect([normalization, given_mass]).toEqual(['full', 1])
      expect(sparse).toEqual(run(row, settings, draw))
    }
  })

  const given = (vocabSize: number, ids: number[], values: number[], logZ?: number) => ({
    vocabSize,
    ids: Uint32Array.from(ids),
    values: Float32Array.from(values),
    ...(logZ !== undefined && { logZ }),
  })

  it.each<[string, Candidates, Params]>([
    [
      'XTC, if a token left out may be likely enough',
      given(2, [0], [1], 1 + Math.LN2),
      { xtc_probability: 1 },
    ],
    [
      'the same under llama.cpp, cut after',
      given(3, [0, 1], [1, 1], 1 + Math.log(3)),
      { xtc_probability: 1, order: ['xtc', 'top_k'], top_k: 1, profile: 'llama.cpp' },
    ],
    [
      'thresholds after a cut that tokens left out may have passed',
      given(
        5,
        [0, 1, 2],
        [3, 2, 1.5],
        Math.log(Math.exp(3) + Math.exp(2) + 2 * Math.exp(1.5) + Math.exp(-40)),
      ),
      { epsilon_cutoff: 0.08, top_a: 0.66 },
    ],
    [
      'a mask after such a cut',
      given(4, [3], [0]),
      { top_k: 1, order: ['top_k', 'mask'], allowed_token_ids: [3] },
    ],
    [
      'a bitmask after such a cut',
      given(500, [3], [0]),
      { min_p: 0.5, order: ['min_p', 'mask'], token_bitmask: bitmask((id) => id === 3) },
    ],
    [
      'a ban of a likely token',
      given(1000, [0, 1, 2, 3], [22, 2, 1, 0], 22),
      { banned_token_ids: [0] },
    ],
    [
      'a penalty that makes a likely token unlikely',
      given(1000, [0, 1, 2, 3], [22, 2, 1, 0], 22),
      { logit_bias: { 0: -20 } },
    ],
    [
      'a ranking that continues below the floor',
      given(
        400,
        Array.from({ length: 150 }, (_, i) => i),
        Array.from({ length: 150 }, (_, i) => 5 - i / 100),
      ),
      {
        logit_bias: Object.fromEntries(Array.from({ length: 90 }, (_, i) => [60 + i, -9])),
        top_h: 0.5,
      },
    ],
  ])('is candidates after %s', (_, candidates, params) => {
    for (const draw of [undefined, { seed: 1n }]) {
      const { normalization, probabilities } = run(candidates, params, draw)
      expect(normalization).toBe('candidates')
      expect(probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 12)
    }
  })

  it('is full if no token left out is likely enough for XTC', () => {
    const sparse = run(mostLikely(rows[0]!, K, true), { xtc_probability: 1, xtc_threshold: 0.05 })
    const whole = run(rows[0]!, { xtc_probability: 1, xtc_threshold: 0.05 })
    expect(sparse.normalization).toBe('full')
    sparse.ids.forEach((id, i) => {
      expect(sparse.probabilities[i]).toBeCloseTo(whole.probabilities[whole.ids.indexOf(id)]!, 7)
    })
  })

  it('leaves out only tokens at −∞ if its floor is −∞', () => {
    const candidates = given(9, [0, 3, 5], [1, 0, Number.NEGATIVE_INFINITY])
    for (const params of [{}, { temperature: 0.7 }, { top_p: 0.5 }]) {
      const answer = run(candidates, params, { seed: 1n })
      expect(answer).toMatchObject({ normalization: 'full', given_mass: 1 })
    }
  })

  it('is not changed by a bias of 0', () => {
    const answer = run(given(10, [3, 7], [1, 0], 2), { logit_bias: { 5: 0, 3: 0 } })
    expect(answer.normalization).toBe('full')
  })

  it.each([
    [given(10, [3, 7], [1, 0], 800), { top_k: 1 }],
    [
      given(10, [0], [1]),
      { allowed_token_ids: [0], bad_words_ids: [[0]], profile: 'transformers' },
    ],
  ] as const)('traces numbers, %#', (candidates, params) => {
    const { trace } = run(candidates, { ...params, trace: true } as Params)
    for (const { mass_removed, entropy_after } of trace!) {
      expect(mass_removed).toBeGreaterThanOrEqual(0)
      expect(mass_removed).toBeLessThanOrEqual(1)
      expect(entropy_after).toBeGreaterThanOrEqual(0)
    }
  })

  it('has a trace of the same run, with log_z', () => {
    const { trace, ids } = run(mostLikely(rows[0]!, K, true), { top_p: 0.5, trace: true })
    expect(trace![0]!.kept_after).toBe(ids.length)
    expect(1 - trace![0]!.mass_removed).toBeGreaterThanOrEqual(0.5)
    expect(1 - trace![0]!.mass_removed).toBeLessThan(0.75)
  })

  describe('log_z', () => {
    const sent = { vocab_size: 10, token_ids: [3, 7], values: [1, 0] }
    const least = Math.log(Math.E + 1)

    it.each([least - 0.001, 1, -50, -1e300])('of %d is below that of the candidates', (log_z) => {
      expect(() => parse({ ...sent, log_z })).toThrow('Expected at least ln Σ e^value')
    })

    it.each([least, Math.fround(least) - 1e-7, 2, Math.log(Math.E + 9)])(
      'of %d is accepted',
      (log_z) => {
        expect(parse({ ...sent, log_z }).warning).toBeUndefined()
      },
    )

    it.each([Math.log(Math.E + 9.001), 1000, 1e308])('of %d gets a warning', (log_z) => {
      expect(run(parse({ ...sent, log_z }), {}).warnings).toMatchObject([
        { code: 'LOG_Z_TOO_LARGE' },
      ])
    })
  })
})

function parse(value: object): Candidates {
  const { rows } = parseSparse(value, (path, message) => {
    throw new Error(`${path.join('.')}: ${message}`)
  })
  return rows[0] as Candidates
}

/** A bit for each of 500 tokens. */
function bitmask(isAllowed: (id: number) => boolean): string {
  const words = new Int32Array(Math.ceil(500 / 32))
  for (let id = 0; id < 500; id++) if (isAllowed(id)) words[id >> 5]! |= 1 << (id & 31)
  return Buffer.from(words.buffer).toString('base64')
}

describe('token ids in any order', () => {
  const parseIds = (token_ids: number[], vocab_size: number) =>
    parse({ vocab_size, token_ids, values: token_ids.map((id) => id / 2) })

  it('are sorted together with their values', () => {
    const id = fc.oneof(
      fc.nat(9),
      fc.nat(999),
      fc.nat(2 ** 31 - 2),
      fc.constantFrom(255, 256, 65_536),
    )
    fc.assert(
      fc.property(fc.uniqueArray(id, { minLength: 1, maxLength: 200 }), (given) => {
        const sorted = given.toSorted((a, b) => a - b)
        const { ids, values } = parseIds(given, 2 ** 31)
        expect(ids).toEqual(Uint32Array.from(sorted))
        expect(values).toEqual(Float32Array.from(sorted, (one) => one / 2))
      }),
    )
  })

  it.each([
    [[1, 2, 4], 'token_ids.2: Token id 4 is outside the vocabulary of 4 entries'],
    [[9, 0, 7], 'token_ids.2: Token id 7 is outside the vocabulary of 4 entries'],
    [[0, 0], 'token_ids.1: Token id 0 occurs twice; send each token once'],
    [[3, 1, 3, 9, 1], 'token_ids.4: Token id 1 occurs twice; send each token once'],
  ])('%j is refused', (given, message) => {
    expect(() => parseIds(given, 4)).toThrow(message)
  })
})
