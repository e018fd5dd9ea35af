import { describe, expect, it } from 'vitest'
import { observe } from '../../../src/sampling/row/observe.ts'
import {
  addUp,
  collision,
  deviation,
  distanceOf,
  entropy,
  givenMass,
  logprob,
  logTotal,
  meanDistance,
  totalMass,
} from '../../../src/sampling/row/statistics.ts'
import { realisticRow, seeded } from '../rows.ts'
import { DENSE, done, load, loadSparse, ranking, softmax } from './make.ts'

describe.each([
  ['survivors', 300],
  ['a dense row', DENSE],
])('of %s', (_, size) => {
  const logits = realisticRow(size, seeded(1))
  const order = ranking(logits)
  const max = logits[order[0]!]!
  const temperature = 1.5
  const p = softmax(logits, temperature)
  const sum = (of: (p: number, id: number) => number) =>
    order.reduce((all, id) => all + of(p[id]!, id), 0)
  const tempered = () => {
    const row = load(logits)
    row.temperature = temperature
    return row
  }

  it('are those of the distribution', () => {
    expect(totalMass(tempered())).toBeCloseTo(1 / p[order[0]!]!, 5)
    expect(logTotal(tempered())).toBeCloseTo(-Math.log(p[order[0]!]!), 6)
    expect(entropy(tempered())).toBeCloseTo(
      sum((q) => -q * Math.log(q)),
      5,
    )
    expect(collision(tempered())).toBeCloseTo(
      sum((q) => q * q),
      6,
    )
    expect(meanDistance(tempered())).toBeCloseTo(
      sum((q, id) => (q * (logits[id]! - max)) / temperature),
      5,
    )
    const mean = logits.reduce((a, b) => a + b) / size
    const variance = logits.reduce((all, x) => all + (x - mean) ** 2, 0) / size
    expect(deviation(tempered())).toBeCloseTo(Math.sqrt(variance), 4)
  })

  it('say how likely a token is, and how far below the most likely one', () => {
    const row = tempered()
    const id = order[7]!
    expect(logprob(row, logits[id]!)).toBeCloseTo(Math.log(p[id]!), 6)
    expect(distanceOf(row, p[id]!)).toBeCloseTo((max - logits[id]!) / temperature, 5)
    expect(logprob(row, Number.NEGATIVE_INFINITY)).toBe(Number.NEGATIVE_INFINITY)
  })

  it('are the same when they were added up before', () => {
    const row = tempered()
    done(addUp(row))
    const before = totalMass(row)
    expect(totalMass(tempered())).toBe(before)
  })

  it('are right after Σ p² has taken the place of the sums', () => {
    const row = tempered()
    const before = totalMass(row)
    collision(row)
    expect(totalMass(row)).toBe(before)
    // A draw from a dense row goes by the sums of its blocks.
    if (row.isDense) expect(row.dense.runningSums().at(-1)! / before).toBeCloseTo(1, 6)
  })

  it('are observed without a change', () => {
    const row = tempered()
    const seen = done(observe(row))!
    expect([...seen.ids]).toEqual(order.toSorted((a, b) => a - b))
    expect(seen.masses[seen.ids.indexOf(order[3]!)]! / seen.total).toBeCloseTo(p[order[3]!]!, 6)
    expect(seen.entropy).toBeCloseTo(entropy(tempered()), 5)
    expect(seen.unseen).toBe(0)
  })
})

it('a certain row has an entropy of 0, and a total precise to the last digit', () => {
  const row = load([50, 0, 0, 0])
  expect(entropy(row)).toBeGreaterThan(0)
  expect(logTotal(row)).toBeCloseTo(3 * Math.exp(-50), 30)
  expect(entropy(load([7]))).toBe(0)
})

describe('of a sparse row', () => {
  const logZ = Math.log(2 * Math.E + 4)

  it('the total has the mass of what is left out', () => {
    const row = loadSparse(6, { 1: 1, 3: 1 }, logZ)
    expect(totalMass(row) * Math.E).toBeCloseTo(2 * Math.E + 4, 5)
    expect(givenMass(row)).toBeCloseTo((2 * Math.E) / (2 * Math.E + 4), 6)
    expect(row.coverage.settle(false)).toBe('full')
  })

  it('the mass of what is given is unknown without ln Z, and all needs it', () => {
    const row = loadSparse(6, { 1: 1, 3: 1 })
    expect(givenMass(row)).toBeUndefined()
    totalMass(row)
    expect(row.coverage.isExact).toBe(false)
  })

  it('the entropy needs every token', () => {
    const row = loadSparse(6, { 1: 1, 3: 1 }, logZ)
    expect(entropy(row)).toBeCloseTo(Math.LN2, 9)
    expect(row.coverage.settle(false)).toBe('candidates')
  })
})
