import { beforeEach, describe, expect, it } from 'vitest'
import { Coverage } from '../../../src/sampling/row/coverage.ts'

const coverage = new Coverage()
const given = { vocabSize: 10, ids: Uint32Array.of(2, 5), values: Float32Array.of(2, 1) }
/** Of the tokens given, and as much again of the others. */
const logZ = Math.log(2 * (Math.exp(2) + Math.exp(1)))

describe('a whole row', () => {
  beforeEach(() => coverage.begin())

  it('is exact, whatever is needed', () => {
    coverage.needEach()
    coverage.cutUnsurely()
    coverage.cutAt(5)
    expect(coverage.isPartial).toBe(false)
    expect(coverage.has(3)).toBe(false)
    expect(coverage.neededMass(0)).toBe(0)
    expect(coverage.settle(true)).toBe('full')
  })
})

describe('a sparse row', () => {
  beforeEach(() => coverage.begin({ ...given, logZ }))

  it('leaves out tokens, none above the least likely one given', () => {
    expect(coverage.isPartial).toBe(true)
    expect(coverage.floor).toBe(1)
    expect(coverage.has(3)).toBe(true)
    expect(coverage.has(5)).toBe(false)
    expect(coverage.hasAny(Uint32Array.of(2, 5))).toBe(false)
    expect(coverage.hasAny(Uint32Array.of(2, 6))).toBe(true)
  })

  it('knows what they weigh from ln Z', () => {
    expect(coverage.isWeighed).toBe(true)
    expect(coverage.neededMass(2)).toBeCloseTo(1 + Math.exp(-1), 5)
    expect(coverage.settle(false)).toBe('full')
  })

  it('is relative to the tokens given where the others take no part', () => {
    expect(coverage.settle(true)).toBe('candidates')
    expect(coverage.isPartial).toBe(false)
  })

  it('is not exact when every token is needed', () => {
    coverage.needEach()
    expect(coverage.isExact).toBe(false)
    expect(coverage.settle(false)).toBe('candidates')
  })

  it('is exact after a cut above what is left out', () => {
    coverage.cutAt(1.5)
    expect(coverage.isPartial).toBe(false)
    expect(coverage.settle(true)).toBe('full')
  })

  it('is not known after a cut below that', () => {
    coverage.cutAt(0.5)
    expect(coverage.isPartial).toBe(true)
    expect(coverage.isWeighed).toBe(false)
    expect(coverage.settle(false)).toBe('candidates')
  })

  it('is exact after an unsure cut and one above it', () => {
    coverage.cutUnsurely()
    coverage.cutAt(1.5)
    expect(coverage.settle(true)).toBe('full')
  })

  it('after a cut at a tie, knows what stays only if no token left out comes before', () => {
    coverage.cutAt(1, 5)
    expect(coverage.isPartial).toBe(true)
    coverage.begin({ vocabSize: 4, ids: Uint32Array.of(0, 1), values: Float32Array.of(2, 1) })
    coverage.cutAt(1, 1)
    expect(coverage.isPartial).toBe(false)
    expect(coverage.settle(true)).toBe('full')
  })

  it('is exact when the tokens left out are taken out of play, unless an unsure cut came before', () => {
    coverage.leave()
    expect(coverage.settle(true)).toBe('full')
    coverage.begin({ ...given, logZ })
    coverage.cutUnsurely()
    coverage.leave()
    expect(coverage.settle(true)).toBe('candidates')
  })

  it('takes bits that allow all, none or some of the tokens left out', () => {
    const bits = (allowed: readonly number[]) =>
      Int32Array.of(allowed.reduce((word, id) => word | (1 << id), 0))
    coverage.keepBits(bits([0, 1, 2, 3, 4, 6, 7, 8, 9]), 10)
    expect(coverage.isWeighed).toBe(true)
    coverage.keepBits(bits([2, 3]), 10)
    expect(coverage.isWeighed).toBe(false)
    coverage.keepBits(bits([2, 5]), 10)
    expect(coverage.isPartial).toBe(false)
  })

  it('does not trust a mass that is small beside its error', () => {
    coverage.check(2, 1 + Math.exp(-1))
    expect(coverage.isWeighed).toBe(true)
    coverage.begin({ ...given, logZ: Math.log((Math.exp(2) + Math.exp(1)) * (1 + 1e-7)) })
    coverage.check(2, 1e-4)
    expect(coverage.isWeighed).toBe(false)
  })

  it('has nothing to need without ln Z', () => {
    coverage.begin(given)
    expect(coverage.isWeighed).toBe(false)
    expect(coverage.isExact).toBe(true)
    coverage.neededMass(2)
    expect(coverage.isExact).toBe(false)
  })
})

it('begins as a whole row when what is left out can only be at −∞', () => {
  coverage.begin({ ...given, values: Float32Array.of(2, Number.NEGATIVE_INFINITY) })
  expect(coverage.isPartial).toBe(false)
})
