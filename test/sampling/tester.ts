import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { withoutDefault } from '../../src/fields/parsed.ts'
import { vocabularyChecks } from '../../src/fields/registries.ts'
import type { Rules, Sampler, SamplerShape } from '../../src/sampling/sampler.ts'
import { seeded } from './rows.ts'
import { dense, type History, type Params, run } from './run.ts'

type Case = [params: object, given: readonly number[], gives: readonly number[], history?: History]

/** Difficult logits: wild, tied and masked ones, at least one of them finite. */
export const anyLogits = fc
  .array(
    fc.oneof(
      fc.float({ min: -30, max: 30, noNaN: true }),
      fc.constantFrom(0, -1, 2, Number.NEGATIVE_INFINITY, 3e4, -3e4),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .filter((logits) => logits.some((logit) => logit > Number.NEGATIVE_INFINITY))
  .map((logits) => Float32Array.from(logits))

/** Different logits with few bits, so that adding an integer to them rounds nothing. */
const untied = fc
  .uniqueArray(fc.integer({ min: -480, max: 480 }), { minLength: 1, maxLength: 40 })
  .map((sixteenths) => Float32Array.from(sixteenths, (value) => value / 16))

/** A permutation of the ids below a number (Fisher and Yates). */
function shuffled(length: number, seed: number): number[] {
  const random = seeded(seed + 1)
  const ids = Array.from({ length }, (_, id) => id)
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const id = ids[i]!
    ids[i] = ids[j]!
    ids[j] = id
  }
  return ids
}

/**
 * Tests a sampler's laws, then its cases. A case has the probabilities before and after the sampler, which runs alone.
 */
export function describeSampler<Name extends string, F extends SamplerShape, R extends Rules>(
  sampler: Sampler<Name, F, R>,
  {
    cases,
    rejects,
    strengths,
  }: {
    cases: Case[]
    /** Parameters that the schema must refuse. */
    rejects: object[]
    /** Parameters that switch it on, for the laws. */
    strengths: fc.Arbitrary<z.input<z.ZodObject<F>>>
  },
): void {
  const alone = (params: object): Params => ({ ...params, order: [sampler.name] })
  const probabilities = (logits: Float32Array, params: object, history?: History) =>
    dense(run(logits, alone(params), undefined, history), logits.length)

  const namesIds = Object.values(sampler.fields).some((field) =>
    vocabularyChecks.has(withoutDefault(field)),
  )

  describe(sampler.name, () => {
    const { params, given, gives, history } = sampler.example
    it.each([...cases, [params, given, gives, history] as Case])(
      '%j: %j → %j',
      (params, given, gives, history) => {
        const logits = Float32Array.from(given, Math.log)
        const answer = probabilities(logits, params, history)
        gives.forEach((p, id) => {
          expect(answer[id]).toBeCloseTo(p, 6)
        })
      },
    )

    it.each(rejects)('refuses %j', (params) => {
      expect(z.strictObject(sampler.fields).safeParse(params).success).toBe(false)
    })

    it('does nothing at its defaults', () => {
      fc.assert(
        fc.property(anyLogits, (logits) => {
          expect(run(logits, alone({}))).toEqual(run(logits, { order: [] }))
        }),
      )
      const defaults = z.object(sampler.fields).parse({})
      expect(sampler.active(defaults)).toBe(false)
    })

    it('leaves a distribution', () => {
      fc.assert(
        fc.property(anyLogits, strengths, (logits, params) => {
          const answer = probabilities(logits, params as object)
          expect(answer.every((p) => p >= 0 && p <= 1)).toBe(true)
          expect(answer.reduce((a, b) => a + b)).toBeCloseTo(1, 9)
        }),
      )
    })

    it.runIf(!namesIds)('follows the tokens when their ids are shuffled', () => {
      fc.assert(
        fc.property(untied, strengths, fc.nat(), (logits, params, seed) => {
          const order = shuffled(logits.length, seed)
          const answer = probabilities(logits, params as object)
          const moved = probabilities(
            Float32Array.from(order, (id) => logits[id]!),
            params as object,
          )
          order.forEach((id, place) => {
            expect(moved[place]).toBeCloseTo(answer[id]!, 9)
          })
        }),
      )
    })

    it.runIf(sampler.stage !== 'penalty')(
      'is not changed by a constant added to all logits',
      () => {
        fc.assert(
          fc.property(
            untied,
            strengths,
            fc.integer({ min: -64, max: 64 }),
            (logits, params, shift) => {
              const answer = probabilities(logits, params as object)
              const moved = probabilities(
                logits.map((logit) => logit + shift),
                params as object,
              )
              moved.forEach((p, id) => {
                expect(p).toBeCloseTo(answer[id]!, 9)
              })
            },
          ),
        )
      },
    )

    it('documents each field with its meaning and the value that switches it off', () => {
      const { properties } = z.toJSONSchema(z.object(sampler.fields), { io: 'input' })
      for (const [name, property] of Object.entries(properties!)) {
        const { description } = property as { description?: string }
        expect(description, name).toMatch(/\(off\)/)
      }
    })
  })
}
