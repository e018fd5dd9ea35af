import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  keepGreedy,
  keepLikely,
  keepTop,
  keepWithin,
  keepWithinDeviations,
} from '../../../src/sampling/row/cuts.ts'
import { gaussian, seeded } from '../rows.ts'
import { ascending, DENSE, done, idsOf, load, ranking, softmax } from './make.ts'

/** Logits with many ties. */
const steps = (size: number, seed: number) => {
  const random = seeded(seed)
  return Array.from({ length: size }, () => Math.round(3 * gaussian(random)) / 2)
}

describe.each([
  ['survivors', 200],
  ['a dense row', DENSE],
])('of %s', (_, size) => {
  const seeds = fc.integer({ min: 1, max: 1e6 })
  const check = (property: fc.IRawProperty<[number, number]>) =>
    fc.assert(property as fc.IRawProperty<unknown>, { numRuns: 25 })

  it('keepTop keeps the first of the ranking', () => {
    check(
      fc.property(seeds, fc.integer({ min: 1, max: size }), (seed, count) => {
        const logits = steps(size, seed)
        const row = load(logits)
        done(keepTop(row, count, false, 1))
        expect(idsOf(row)).toEqual(ascending(ranking(logits).slice(0, count)))
      }),
    )
  })

  it('keepTop with all ties keeps those equal to the last', () => {
    check(
      fc.property(seeds, fc.integer({ min: 1, max: size }), (seed, count) => {
        const logits = steps(size, seed)
        const last = logits[ranking(logits)[count - 1]!]!
        const row = load(logits)
        done(keepTop(row, count, true, 1))
        expect(idsOf(row)).toEqual(ascending(ranking(logits).filter((id) => logits[id]! >= last)))
      }),
    )
  })

  it('keepWithin keeps the tokens within a distance, the bound included', () => {
    check(
      fc.property(seeds, fc.integer({ min: 0, max: 12 }), (seed, halves) => {
        const logits = steps(size, seed)
        const least = logits[ranking(logits)[0]!]! - halves / 2
        const row = load(logits)
        done(keepWithin(row, halves / 2, 1, 1))
        expect(row.threshold).toBe(least)
        expect(idsOf(row)).toEqual(ascending(ranking(logits).filter((id) => logits[id]! >= least)))
      }),
    )
  })

  it('each leaves at least as many as it must', () => {
    const logits = steps(size, 3)
    const first = ascending(ranking(logits).slice(0, 50))
    for (const keep of [
      () => keepTop(row, 1, false, 50),
      () => keepWithin(row, 0, 1, 50),
      () => keepWithinDeviations(row, 1e-9, 50),
      () => {
        row.minTokensToKeep = 50
        return keepLikely(row, 1, false)
      },
    ]) {
      row = load(logits)
      done(keep())
      expect(idsOf(row)).toEqual(first)
    }
  })
  let row = load([0])

  it('keepLikely keeps the tokens at least as likely', () => {
    const logits = steps(size, 9)
    const p = softmax(logits, 2)
    const least = 1.001 * p[ranking(logits)[30]!]!
    row = load(logits)
    row.temperature = 2
    done(keepLikely(row, least, false))
    expect(idsOf(row)).toEqual(ascending(ranking(logits).filter((id) => p[id]! >= least)))
  })

  it('keepLikely keeps the most likely token where none is likely enough, with all ties those equal to it', () => {
    const logits = [1, 4, 4, ...steps(size, 2).map((logit) => Math.min(logit, 3))]
    row = load(logits)
    done(keepLikely(row, 0.999, false))
    expect(idsOf(row)).toEqual([1])
    row = load(logits)
    done(keepLikely(row, 0.999, true))
    expect(idsOf(row)).toEqual([1, 2])
  })

  it('keepWithinDeviations keeps the tokens within some standard deviations', () => {
    const logits = steps(size, 4)
    const mean = logits.reduce((a, b) => a + b) / size
    const sigma = Math.sqrt(logits.reduce((sum, x) => sum + (x - mean) ** 2, 0) / size)
    const max = logits[ranking(logits)[0]!]!
    row = load(logits)
    done(keepWithinDeviations(row, 1.1, 1))
    const kept = ranking(logits).filter((id) => max - logits[id]! <= 1.1 * sigma)
    expect(idsOf(row)).toEqual(ascending(kept))
  })

  it('keepGreedy keeps the lowest id at the maximum', () => {
    row = load([1, 9, 9, ...steps(size, 2)])
    keepGreedy(row)
    expect(idsOf(row)).toEqual([1])
  })

  it('a cut lowers how many tokens the list of an engine has', () => {
    row = load(steps(size, 2))
    row.tokens.setLogit(0, Number.NEGATIVE_INFINITY)
    expect(row.listed).toBe(size)
    done(keepTop(row, 10, false, 1))
    expect(row.listed).toBe(10)
  })
})
