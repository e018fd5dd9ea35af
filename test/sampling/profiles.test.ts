import { describe, expect, it } from 'vitest'
import { kelvinOrder, samplerByName } from '../../src/sampling/order.ts'
import { profiles } from '../../src/sampling/profiles/index.ts'
import { run } from './run.ts'

it('runs the samplers in this order', () => {
  expect(
    Object.fromEntries(profiles.map(({ name, order }) => [name, order.join(' ')])),
  ).toMatchInlineSnapshot(`
      {
        "kelvin": "guidance mask logit_bias min_tokens sequence_bias bad_words repetition_penalty frequency_penalty presence_penalty encoder_repetition_penalty dry no_repeat_ngram length_penalty temperature smoothing top_n_sigma top_h top_k typical_p top_p min_p epsilon_cutoff eta_cutoff top_a tfs p_less xtc mirostat adaptive_p",
        "llama.cpp": "mask logit_bias repetition_penalty frequency_penalty presence_penalty dry top_n_sigma top_k typical_p top_p min_p xtc temperature adaptive_p",
        "transformers": "guidance logit_bias sequence_bias encoder_repetition_penalty repetition_penalty no_repeat_ngram bad_words min_tokens mask length_penalty temperature top_h top_k top_p min_p typical_p epsilon_cutoff eta_cutoff",
        "vllm": "mask bad_words min_tokens logit_bias repetition_penalty frequency_penalty presence_penalty temperature min_p top_k top_p",
      }
    `)
})

describe.each(profiles)('$name', ({ order, rules }) => {
  it('names each sampler once, and only rules that the sampler has', () => {
    expect(new Set(order).size).toBe(order.length)
    for (const [name, changed] of Object.entries(rules)) {
      expect(Object.keys(samplerByName.get(name)!.rules)).toEqual(
        expect.arrayContaining(Object.keys(changed)),
      )
    }
  })
})

it('has no field that two samplers share', () => {
  const fields = kelvinOrder.flatMap((name) => Object.keys(samplerByName.get(name)!.fields))
  expect(new Set(fields).size).toBe(fields.length)
})

it('an order of one’s own replaces the profile’s, and says what it leaves out', () => {
  const logits = Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log)
  const settings = { temperature: 3, top_p: 0.5, min_p: 0.4 }
  const answer = run(logits, { ...settings, order: ['min_p', 'temperature'] })
  expect(answer.ids).toEqual([0, 1, 2])
  expect(answer.warnings.map(({ code }) => code)).toEqual(['HIGH_TEMPERATURE', 'SAMPLER_NOT_RUN'])
  expect(answer.warnings[1]!.message).toBe('top_p is set but does not run: order leaves it out')
})
