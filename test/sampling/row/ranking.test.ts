import { describe, expect, it } from 'vitest'
import {
  isWithin,
  largestLogits,
  ranked,
  ranksOf,
  tokensFrom,
} from '../../../src/sampling/row/ranking.ts'
import { seeded } from '../rows.ts'
import { ascending, DENSE, done, load, loadSparse, ranking, softmax } from './make.ts'

describe.each([
  ['survivors', 300],
  ['a dense row', DENSE],
])('of %s', (_, size) => {
  const random = seeded(1)
  const logits = Array.from({ length: size }, () => Math.floor(20 * random()) / 4)
  const order = ranking(logits)

  it.each([0, 1, 17, 250, size, size + 5])('has its first %d tokens in order', (count) => {
    const first = done(ranked(load(logits), count))!
    expect([...first.ids]).toEqual(order.slice(0, count))
    expect([...first.logits]).toEqual(order.slice(0, count).map((id) => logits[id]))
    expect([...done(largestLogits(load(logits), count))!]).toEqual([...first.logits])
  })

  it('has a rank for each token', () => {
    const some = [0, 3, 50, 51, 299].map((place) => order[place]!)
    const tokens = {
      ids: Uint32Array.from(some),
      logits: Float64Array.from(some, (id) => logits[id]!),
    }
    const ranks = done(ranksOf(load(logits), tokens))!
    expect([...ranks.subarray(0, 5)]).toEqual([1, 4, 51, 52, 300])
  })

  it('has the tokens from a probability up', () => {
    const p = softmax(logits)
    const least = p[order[100]!]!
    const { ids } = done(tokensFrom(load(logits), least * 0.999))!
    expect([...ids]).toEqual(ascending(order.filter((id) => p[id]! >= least)))
  })
})

it('of a sparse row that leaves out none of them, needs no others', () => {
  const row = loadSparse(9, { 2: 3, 4: 2, 5: 1 })
  done(largestLogits(row, 2))
  expect(row.coverage.isExact).toBe(true)
  done(largestLogits(row, 4))
  expect(row.coverage.isExact).toBe(false)
})

it('the largest logit is within every distance that is not negative', () => {
  const infinity = Number.POSITIVE_INFINITY
  expect(isWithin(5, 5, 0, 1)).toBe(true)
  expect(isWithin(5, 5, -1, 1)).toBe(false)
  expect(isWithin(4, 5, 2, 0.5)).toBe(true)
  expect(isWithin(3.9, 5, 2, 0.5)).toBe(false)
  expect(isWithin(-infinity, 5, 1e9, 1)).toBe(false)
})
