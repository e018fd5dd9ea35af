import { describe, expect, it } from 'vitest'
import * as changes from '../../../src/sampling/row/changes.ts'
import { logprob, totalMass } from '../../../src/sampling/row/statistics.ts'
import { gaussian, seeded } from '../rows.ts'
import { DENSE, done, idsOf, load, loadSparse, tokensOf } from './make.ts'

const out = Number.NEGATIVE_INFINITY

describe.each([
  ['survivors', 300],
  ['a dense row', DENSE],
])('of %s', (_, size) => {
  const random = seeded(1)
  const logits = Float32Array.from({ length: size }, (__, id) =>
    id === 4 ? out : gaussian(random),
  )
  const check = (row: ReturnType<typeof load>, expected: ArrayLike<number>) => {
    const inPlay = Array.from(expected, (logit, id) => ({ id, logit }))
    expect(tokensOf(row)).toEqual(inPlay.filter(({ logit }) => logit > out))
  }
  const changed = (of: Record<number, number>) => Array.from(logits, (logit, id) => of[id] ?? logit)

  it('setLogit changes tokens in play alone', () => {
    const row = load(logits)
    changes.setLogit(row, 1, 0.1)
    changes.setLogit(row, 2, out)
    changes.setLogit(row, 4, 1)
    check(row, changed({ 1: 0.1, 2: out }))
  })

  it('add adds temperatures', () => {
    const row = load(logits)
    changes.setTemperature(row, 2)
    changes.addToLogit(row, 1, 0.1)
    changes.addToLogit(row, 2, out)
    changes.addToLogit(row, 4, 1)
    check(row, changed({ 1: logits[1]! + 0.2, 2: out }))
  })

  it('add keeps a small change of a large logit', () => {
    const row = load(logits.map((logit) => 2 ** 23 + Math.round(logit)))
    const before = row.tokens.logitOf(1)
    changes.setTemperature(row, 1e-9)
    changes.addToLogit(row, 1, 0.25)
    expect(row.tokens.logitOf(1) + (row.shift - before)).toBeCloseTo(0.25e-9, 15)
  })

  it.each([[[3, 1, 3, 4]], [Array.from({ length: 200 }, (__, i) => (i * 7) % 250)]])(
    'remove takes tokens out, as often as they are listed',
    (ids) => {
      const row = load(logits)
      done(changes.remove(row, Uint32Array.from(ids)))
      check(row, changed(Object.fromEntries(ids.map((id) => [id, out]))))
    },
  )

  it('putBack gives tokens the probability they are to have', () => {
    const row = load(logits)
    changes.setTemperature(row, 1.5)
    done(changes.remove(row, Uint32Array.of(1, 2)))
    done(changes.putBack(row, Uint32Array.of(1, 2), Float64Array.of(Math.log(0.5), Math.log(0.25))))
    // They weigh 0.75 beside the others, which weigh 1.
    expect(logprob(row, row.tokens.logitOf(1))).toBeCloseTo(Math.log(0.5 / 1.75), 6)
    expect(logprob(row, row.tokens.logitOf(2))).toBeCloseTo(Math.log(0.25 / 1.75), 6)
  })

  it('keepOnly keeps what is listed and in play', () => {
    const row = load(logits)
    done(changes.keepOnly(row, Uint32Array.of(9, 4, 2, 9), false))
    expect(idsOf(row)).toEqual([2, 9])
  })

  it('keepOnly puts tokens in play with equal logits when it is forced and none is', () => {
    const row = load(logits)
    done(changes.keepOnly(row, Uint32Array.of(4), true))
    expect(tokensOf(row)).toEqual([{ id: 4, logit: 0 }])
  })

  it('map gives every token another logit', () => {
    const row = load(logits)
    const total = totalMass(row)
    done(changes.mapLogits(row, (logit, mass) => (mass > 0.5 ? 2 * logit : -1e200)))
    const max = Math.max(...logits)
    check(
      row,
      Array.from(logits, (logit) => {
        if (logit === out) return out
        return Math.exp(logit - max) > 0.5 ? 2 * logit : -1e150
      }),
    )
    expect(totalMass(row)).not.toBe(total)
  })

  it('a very hot row has its logits divided', () => {
    const row = load(logits)
    changes.setTemperature(row, 1e101)
    expect(row.temperature).toBe(1)
    check(
      row,
      Array.from(logits, (logit) => logit / 1e101),
    )
  })
})

it('countFromLargest counts from the largest, unless that rounds a logit', () => {
  const row = load([8, 6, 7])
  changes.countFromLargest(row)
  expect(row.shift).toBe(8)
  expect(tokensOf(row).map(({ logit }) => logit)).toEqual([0, -2, -1])
  const rounding = load([2 ** 60, 1])
  changes.countFromLargest(rounding)
  expect(rounding.shift).toBe(0)
})

it('a sparse row is not exact when a token is raised that it leaves out', () => {
  const row = loadSparse(9, { 2: 3, 4: 2 })
  changes.addToLogit(row, 4, 1)
  changes.addToLogit(row, 5, -1)
  expect(row.coverage.isExact).toBe(true)
  changes.addToLogit(row, 5, 1)
  expect(row.coverage.isExact).toBe(false)
})
