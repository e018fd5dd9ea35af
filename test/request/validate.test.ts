import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Problem } from '../../src/errors.ts'
import { probabilitiesOperation, sampleOperation } from '../../src/request/operations.ts'
import { validate } from '../../src/request/validate.ts'

const logits = { dtype: 'float32', shape: [2], data: 'AAAAAAAAgD8=' }

describe.each([
  ['sample', sampleOperation],
  ['probabilities', probabilitiesOperation],
])('validation of only the given fields: %s', (_name, { Request, Fields, Row }) => {
  it.each([
    [Request, { logits, temperature: 0.5, top_k: 3, seed: '7', output_token_ids: [1] }],
    [Fields, {}],
    [Row, {}],
    [Row, { temperature: 2, banned_token_ids: [0] }],
  ])('has the same result as the whole schema', (schema, value) => {
    const given = validate(schema, value) as Record<string, unknown>
    const whole = schema.parse(value) as Record<string, unknown>
    const { logits: own, ...others } = given
    const { logits: expected, ...expectedOthers } = whole
    expect(others).toEqual(expectedOthers)
    expect(JSON.stringify(own)).toBe(JSON.stringify(expected))
  })

  it('reports missing required fields and unknown fields', () => {
    expect(() => validate(Request, { temperature: 0.5 })).toThrow('/logits: Expected a value')
    expect(() => validate(Request, { logits, constructor: 1 })).toThrow('Unknown field')
  })

  it('names faults in the order of the schema, unknown fields last', () => {
    const value = { x: 1, top_p: 'a', top_k: 'b', temperature: 'c' }
    const { faults } = fault(() => validate(Request, value))
    const pointers = ['/logits', '/temperature', '/top_k', '/top_p', '/x']
    expect(faults?.map(({ pointer }) => pointer)).toEqual(pointers)
  })
})

describe('a schema that is not strict', () => {
  it('drops unknown fields', () => {
    const Loose = z.object({ inputs: z.array(z.string()) })
    const value = { inputs: [], x: 1 }
    expect(validate(Loose, value)).toEqual(Loose.parse(value))
  })
})

function fault(run: () => unknown): Problem {
  try {
    run()
  } catch (error) {
    if (error instanceof Problem) return error
  }
  throw new Error('Expected a problem')
}
