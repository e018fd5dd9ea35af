import { beforeEach, describe, expect, it } from 'vitest'
import { layOut, type RowMemory } from '../../../src/kernel/memory.ts'
import { Dense } from '../../../src/sampling/row/dense.ts'
import type { Representation } from '../../../src/sampling/row/representation.ts'
import { Survivors } from '../../../src/sampling/row/survivors.ts'
import { Elements } from '../../../src/tensors/elements.ts'
import { gaussian, seeded } from '../rows.ts'
import { ranking } from './make.ts'

const V = 1000
const [ofDense, ofSurvivors] = layOut(2, 1024) as [RowMemory, RowMemory]
const random = seeded(5)
const given = Float32Array.from({ length: V }, (_, id) =>
  id % 7 === 0 ? Number.NEGATIVE_INFINITY : 3 * gaussian(random),
)
const first = ranking(given)[0]!

const kinds: [name: string, memory: RowMemory, make: () => Representation][] = [
  [
    'Dense',
    ofDense,
    () => {
      const dense = new Dense(ofDense)
      dense.load(Elements.of(given), false)
      return dense
    },
  ],
  [
    'Survivors',
    ofSurvivors,
    () => {
      const survivors = new Survivors(ofSurvivors)
      survivors.load(given)
      return survivors
    },
  ],
]

/** What the tokens in play are to be, by id. */
let expected: Float64Array
let tokens: Representation

describe.each(kinds)('%s', (_, { views }, make) => {
  beforeEach(() => {
    tokens = make()
    expected = Float64Array.from(given)
  })

  function change(id: number, logit: number): void {
    tokens.setLogit(id, logit)
    expected[id] = logit
  }

  function check(): void {
    const order = ranking(expected)
    const max = expected[order[0]!]!
    expect(tokens.count()).toBe(order.length)
    expect(tokens.max()).toBe(max)
    expect(tokens.mostLikely()).toBe(order[0])
    expect(Array.from(expected, (__, id) => tokens.logitOf(id))).toEqual([...expected])

    const collected = tokens.collect(Number.NEGATIVE_INFINITY)
    const ids = [...views.ids.subarray(0, collected)]
    expect(ids).toEqual(order.toSorted((a, b) => a - b))
    expect([...views.logits.subarray(0, collected)]).toEqual(ids.map((id) => expected[id]))

    const masses = order.map((id) => Math.exp((expected[id]! - max) / 2))
    const rest = masses.slice(1).reduce((a, b) => a + b)
    const total = 1 + rest
    const weighted = order.reduce((sum, id, i) => sum + (masses[i]! * (expected[id]! - max)) / 2, 0)
    const sum = tokens.sum(2, true)
    expect(sum.total / total).toBeCloseTo(1, 6)
    expect(sum.rest / rest).toBeCloseTo(1, 6)
    expect(sum.weighted / weighted).toBeCloseTo(1, 6)
    const squares = masses.reduce((all, mass) => all + mass * mass, 0)
    expect(tokens.sumOfSquares(2) / squares).toBeCloseTo(1, 6)

    const mean = order.reduce((all, id) => all + expected[id]!, 0) / order.length
    const variance = order.reduce((all, id) => all + (expected[id]! - mean) ** 2, 0) / order.length
    expect(tokens.deviation() / Math.sqrt(variance)).toBeCloseTo(1, 6)
  }

  it('has what was loaded', check)

  it('has single logits changed, in float64', () => {
    change(1, 0.1)
    change(2, 50.123456789)
    change(first, -3)
    change(3, Number.NEGATIVE_INFINITY)
    check()
  })

  it('loses its most likely tokens', () => {
    for (const id of ranking(expected).slice(0, 300)) change(id, Number.NEGATIVE_INFINITY)
    check()
  })

  it('has tokens put back', () => {
    tokens.putBack({ ids: Uint32Array.of(0, 7, 14), logits: Float64Array.of(1.5, 99.1, -2) })
    expected.set([1.5], 0)
    expected.set([99.1], 7)
    expected.set([-2], 14)
    check()
  })

  it('keeps what bits say', () => {
    change(5, 60.5)
    const words = Int32Array.from({ length: Math.ceil(V / 32) }, (__, i) => [-1, 0, 0x5555][i % 3]!)
    tokens.keepBits(words)
    for (let id = 0; id < V; id++) {
      if (((words[id >> 5]! >>> (id & 31)) & 1) === 0) expected[id] = Number.NEGATIVE_INFINITY
    }
    check()
  })

  it('collects at least the tokens that a threshold for a count promises', () => {
    change(first, -1)
    for (const count of [1, 10, 500]) {
      const size = tokens.collect(tokens.thresholdFor(count))
      const found = new Set(views.ids.subarray(0, size))
      for (const id of ranking(expected).slice(0, count)) expect(found).toContain(id)
    }
  })

  it('adds up in parts what it adds up at once', () => {
    change(first, 1)
    const parts = tokens.sumInParts(1)
    let part = parts.next()
    while (!part.done) part = parts.next()
    expect(part.value).toEqual(tokens.sum(1, false))
  })
})
