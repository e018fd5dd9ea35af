import { describe, expect, it } from 'vitest'
import { costsOf } from '../../src/sampling/cost.ts'
import { fieldOf } from '../../src/sampling/plan.ts'
import { sample } from '../../src/sampling/sample.ts'
import { seeded } from './rows.ts'
import { requestFor } from './run.ts'

type Asked = Parameters<typeof requestFor>

const random = seeded(1)
const V = 2 ** 17
const nearlyFlat = Float32Array.from({ length: V }, () => random() / 1000)
const ids = (count: number) => Array.from({ length: count }, (_, i) => (i * 7919) % V)
const output = Array.from({ length: 300_000 }, () => Math.floor(random() * V))

/** Requests that take long, with the field that takes most of the time. */
const long: [field: string, ...asked: Asked][] = [
  ['n', nearlyFlat, {}, { n: 65_536 }],
  ['n', nearlyFlat, {}, { n: 65_536, replacement: false }],
  ['top_logprobs', nearlyFlat, { top_logprobs: V }],
  ['logprob_token_ids', nearlyFlat, { logprob_token_ids: ids(V) }],
  ['watch_token_ids', nearlyFlat, { watch_token_ids: ids(V), top_k: 5 }],
  ['trace', nearlyFlat, { trace: true, top_p: 0.99, typical_p: 0.99, eta_cutoff: 1e-9 }],
  ['tfs', nearlyFlat, { tfs: 0.999 }],
  ['xtc_probability', nearlyFlat, { xtc_probability: 1, xtc_threshold: 0, xtc_mode: 'expected' }],
  ['logit_bias', nearlyFlat, { logit_bias: Object.fromEntries(ids(V).map((id) => [id, 1])) }],
  [
    'sequence_bias',
    nearlyFlat,
    { sequence_bias: ids(16_384).map((id) => ({ token_ids: [id], bias: 1 })) },
  ],
  ['bad_words_ids', nearlyFlat, { bad_words_ids: ids(16_384).map((id) => [id]) }],
  ['repetition_penalty', nearlyFlat, { repetition_penalty: 1.1 }, {}, { output }],
  ['dry_multiplier', nearlyFlat, { dry_multiplier: 1, dry_allowed_length: 0 }, {}, { output }],
  ['no_repeat_ngram_size', nearlyFlat, { no_repeat_ngram_size: 2 }, {}, { output }],
]

describe('a request that takes long', () => {
  it.each(long)('%s has the largest part of the estimate', (field, ...asked) => {
    const request = requestFor(...asked)
    const most = costsOf(request).reduce((a, b) => (b.amount > a.amount ? b : a))
    expect(fieldOf(most.name, request.params)).toBe(field)
  })

  it.each(long)('%s pauses between parts', (_, ...asked) => {
    const results = sample([requestFor(...asked)])
    let parts = 1
    while (results.next().value === undefined) parts++
    expect(parts).toBeGreaterThan(5)
  })

  it('costs more if it asks for more', () => {
    const total = (...asked: Asked) =>
      costsOf(requestFor(...asked)).reduce((sum, { amount }) => sum + amount, 0)
    const plain = total(nearlyFlat, {}, {})
    for (const [field, ...asked] of long) expect(total(...asked), field).toBeGreaterThan(2 * plain)
  })
})
