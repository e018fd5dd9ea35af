import { describe, expect, it } from 'vitest'
import { keepShare, type Share } from '../../../src/sampling/row/shares.ts'
import { realisticRow, seeded } from '../rows.ts'
import { ascending, DENSE, done, idsOf, load, ranking, softmax } from './make.ts'

/** The first tokens of an order that hold a share of the probability. */
function prefix(order: readonly number[], p: readonly number[], share: number, strict: boolean) {
  let sum = 0
  const count = order.findIndex((id) => {
    sum += p[id]!
    return strict ? sum > share : sum >= share
  })
  return ascending(order.slice(0, count + 1))
}

const rules = { strict: false, allTies: false }

describe.each([
  ['survivors', 300],
  ['a dense row', DENSE],
])('of %s', (_, size) => {
  const rows = [
    realisticRow(size, seeded(1)),
    Float32Array.from({ length: size }, seeded(2)),
    realisticRow(size, seeded(3)).map((logit) => logit / 4),
  ]
  const keep = (logits: Float32Array, wanted: Share, atLeast = 1) => {
    const row = load(logits)
    row.minTokensToKeep = atLeast
    done(keepShare(row, wanted))
    return idsOf(row)
  }

  it.each([0.05, 0.5, 0.9, 0.999])('keeps the most likely tokens that hold %d', (share) => {
    for (const logits of rows) {
      const expected = prefix(ranking(logits), softmax(logits), share, false)
      expect(keep(logits, { share, ...rules })).toEqual(expected)
    }
  })

  it.each([0.2, 0.9])('keeps the tokens nearest to a center that hold %d', (share) => {
    for (const logits of rows) {
      const p = softmax(logits)
      const order = ranking(logits)
      const max = logits[order[0]!]!
      const center = -1.2345
      const nearness = Float64Array.from(logits, (logit) => -Math.abs(logit - max - center))
      const expected = prefix(ranking(nearness), p, share, true)
      expect(keep(logits, { share, center, strict: true, allTies: false })).toEqual(expected)
    }
  })

  it('keeps more than a share that is met exactly, if it is strict', () => {
    const logits = new Float32Array(size).fill(Number.NEGATIVE_INFINITY)
    logits.fill(1, 0, 4)
    expect(keep(logits, { share: 0.5, ...rules })).toEqual([0, 1])
    expect(keep(logits, { share: 0.5, strict: true, allTies: false })).toEqual([0, 1, 2])
    expect(keep(logits, { share: 0.5, strict: false, allTies: true })).toEqual([0, 1, 2, 3])
  })

  it('leaves at least as many as it must', () => {
    const [logits] = rows as [Float32Array]
    const expected = ascending(ranking(logits).slice(0, 40))
    expect(keep(logits, { share: 0.01, ...rules }, 40)).toEqual(expected)
  })
})
