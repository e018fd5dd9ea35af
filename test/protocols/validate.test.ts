import { describe, expect, it } from 'vitest'
import { probabilitiesOperation, sampleOperation } from '../../src/protocols/request.ts'
import { validate } from '../../src/protocols/validate.ts'

const logits = { dtype: 'float32', shape: [2], data: 'AAAAAAAAgD8=' }

describe.each([
  ['sample', sampleOperation],
  ['probabilities', probabilitiesOperation],
])('validation of given fields alone: %s', (_name, { Request, Fields, Row }) => {
  it.each([
    [Request, { logits, temperature: 0.5, top_k: 3, seed: '7', output_token_ids: [1] }],
    [Fields, {}],
    [Row, {}],
    [Row, { temperature: 2, banned_token_ids: [0] }],
  ])('comes to what the whole schema makes of it', (schema, value) => {
    const given = validate(schema, value) as Record<string, unknown>
    const whole = schema.parse(value) as Record<string, unknown>
    const { logits: own, ...others } = given
    const { logits: expected, ...expectedOthers } = whole
    expect(others).toEqual(expectedOthers)
    expect(JSON.stringify(own)).toBe(JSON.stringify(expected))
  })

  it('still misses what must be given, and knows what may not', () => {
    expect(() => validate(Request, { temperature: 0.5 })).toThrow('/logits: Expected a value')
    expect(() => validate(Request, { logits, constructor: 1 })).toThrow('Unknown field')
  })
})
