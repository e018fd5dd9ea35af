import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { findMisfit } from '../../../src/sampling/params.ts'
import { guidance } from '../../../src/sampling/samplers/guidance.ts'
import { dense, run } from '../run.ts'
import { anyLogits, describeSampler } from '../tester.ts'

const given = [0.5, 0.25, 0.25]
const field = guidance.fields.unconditional_logits
const logs = (probabilities: number[]) => probabilities.map(Math.log)
const base64 = (values: ArrayBufferView) =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')

describeSampler(guidance, {
  cases: [
    // p² / u, normalised; only differences of u's logits count.
    [
      { guidance_scale: 2, unconditional_logits: logs([0.25, 0.5, 0.25]).map((l) => l + 7) },
      given,
      [8 / 11, 1 / 11, 2 / 11],
    ],
    [{ guidance_scale: 0, unconditional_logits: logs([0.1, 0.2, 0.7]) }, given, [0.1, 0.2, 0.7]],
    [{ guidance_scale: 1, unconditional_logits: logs([0.1, 0.2, 0.7]) }, given, given],
    [{ guidance_scale: 3, unconditional_logits: logs(given) }, given, given],
    [{ guidance_scale: 3 }, given, given],
    // There, −∞ counts as ln ¼, the smallest finite one.
    [
      { guidance_scale: 2, unconditional_logits: ['-Infinity', ...logs([0.5, 0.25])] },
      given,
      [8 / 11, 1 / 11, 2 / 11],
    ],
  ],
  rejects: [
    { guidance_scale: -1 },
    { guidance_scale: 1e6 },
    { unconditional_logits: 3 },
    { unconditional_logits: [] },
    { unconditional_logits: [1, null] },
    { unconditional_logits: [1, 1e39] },
    { unconditional_logits: [1, 'Infinity'] },
    { unconditional_logits: [[1, 2], 3] },
    { unconditional_logits: ['-Infinity', '-Infinity'] },
    { unconditional_logits: { dtype: 'int8', shape: [1], data: 'AA==' } },
    { unconditional_logits: { dtype: 'float32', shape: [2], data: 'AAAAAA==' } },
    { unconditional_logits: { dtype: 'float32', shape: [1], data: 'AADAfw==' } },
    { unconditional_logits: { dtype: 'float32', shape: [1], data: 'AACA/w==' } },
  ],
  strengths: fc.record({ guidance_scale: fc.double({ min: 0, max: 1000, noNaN: true }) }),
})

describe('guidance', () => {
  it('leaves a distribution over the tokens in play, whatever the other logits are', () => {
    const pair = anyLogits.chain((logits) =>
      fc.tuple(
        fc.constant(logits),
        fc.array(fc.constantFrom(0, 3.4e38, -3.4e38, '-Infinity', 1.5, -20), {
          minLength: logits.length,
          maxLength: logits.length,
        }),
        fc.double({ min: 0, max: 1000, noNaN: true }),
      ),
    )
    fc.assert(
      fc.property(pair, ([logits, others, guidance_scale]) => {
        const unconditional_logits = [...others.slice(1), 0]
        const answer = run(logits, { guidance_scale, unconditional_logits })
        const inPlay = [...logits.keys()].filter((id) => logits[id]! > Number.NEGATIVE_INFINITY)
        expect(answer.ids).toEqual(inPlay)
        expect(answer.probabilities.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
      }),
    )
  })

  it('works on a large vocabulary too', () => {
    const logits = Float32Array.from({ length: 5000 }, (_, id) => (id % 11) / 2)
    const others = Array.from({ length: 5000 }, (_, id) => (id % 7) / 4)
    const answer = run(logits, { guidance_scale: 1.5, unconditional_logits: others })
    const p = dense(answer, 5000)
    const expected = (id: number) => 1.5 * logits[id]! - 0.5 * others[id]!
    expect(Math.log(p[4321]! / p[17]!)).toBeCloseTo(expected(4321) - expected(17), 9)
  })

  it('leaves logprobs, so that the repetition penalty multiplies', () => {
    const params = {
      guidance_scale: 2,
      unconditional_logits: [0, 0],
      repetition_penalty: 2,
    }
    // 2 ln ½ − ln ½ = ln ½. A penalty of 2 turns this into ln ¼, although the logit as sent is above 0.
    const { probabilities } = run(Float32Array.of(5, 5), params, undefined, { output: [0] })
    expect(probabilities[0]).toBeCloseTo(1 / 3, 9)
  })

  it('guides the tempered distribution when it runs after temperature', () => {
    const params = { temperature: 2, guidance_scale: 2, unconditional_logits: [0, 0] }
    const order = ['temperature' as const, 'guidance' as const]
    const { probabilities } = run(Float32Array.of(2, 0), { ...params, order })
    // Logits 2 and 0 are halved, then doubled.
    expect(Math.log(probabilities[0]! / probabilities[1]!)).toBeCloseTo(2, 9)
  })

  it('warns that the other logits are missing', () => {
    const { warnings } = run(Float32Array.of(1, 2), { guidance_scale: 2 })
    expect(warnings).toEqual([
      {
        code: 'GUIDANCE_WITHOUT_LOGITS',
        message:
          'guidance_scale 2 has no effect without unconditional_logits; send them, or omit guidance_scale',
      },
    ])
  })

  it.each([
    ['float32', new Float32Array([1, -2, 0.5])],
    ['float64', new Float64Array([1, -2, 0.5])],
    ['float16', new Float16Array([1, -2, 0.5])],
    [
      'bfloat16',
      new Uint16Array(new Uint32Array(new Float32Array([1, -2, 0.5]).buffer).map((w) => w >>> 16)),
    ],
  ])('takes a %s tensor like an array', (dtype, values) => {
    const tensor = { dtype, shape: [3], data: base64(values) }
    expect(field.parse(tensor)).toEqual(field.parse([1, -2, 0.5]))
    expect(field.parse({ ...tensor, shape: [1, 3] })).toEqual(field.parse([[1, -2, 0.5]]))
  })

  it('documents its forms without references', () => {
    const schema = z.toJSONSchema(z.object(guidance.fields), { io: 'input' })
    expect(JSON.stringify(schema)).not.toContain('$ref')
    expect(JSON.stringify(schema)).toContain('bfloat16')
  })

  it('must have as many logits as the row it guides', () => {
    for (const others of [
      [1, 2],
      [
        [1, 2],
        [1, 2],
      ],
    ]) {
      const params = { unconditional_logits: field.parse(others) }
      expect(findMisfit(params, 3)).toEqual({
        path: ['unconditional_logits'],
        detail: 'Expected 3 logits in a row, as in logits, got 2',
        code: 'VOCABULARY_MISMATCH',
      })
    }
    expect(findMisfit({ unconditional_logits: field.parse([1, 2, 3]) }, 3)).toBeUndefined()
  })
})
