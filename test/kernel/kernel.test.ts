import { describe, expect, it } from 'vitest'
import { BLOCK, kernel } from '../../src/kernel/index.ts'
import { layOut } from '../../src/kernel/memory.ts'
import { firstDifference } from '../difference.ts'
import { readRows } from '../golden/read.ts'
import { gaussian, realisticRow, seeded } from '../sampling/rows.ts'

const LARGEST = 262_144
const LOWEST = -3.4028234663852886e38
const [memory] = layOut(1, LARGEST)
const { row, maxima, sums, ids, logits: values, masses, views } = memory!

/** A row in the kernel's memory, with its padding. */
function place(logits: ArrayLike<number>) {
  const blocks = Math.ceil(logits.length / BLOCK)
  views.row.fill(Number.NEGATIVE_INFINITY, 0, blocks * BLOCK)
  views.row.set(logits)
  return { blocks, logits: views.row.slice(0, logits.length) }
}

/** A compensated sum, whose rounding is negligible (Neumaier 1974). */
function exactSum(terms: Iterable<number>): number {
  let sum = 0
  let lost = 0
  for (const x of terms) {
    const next = sum + x
    lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum
    sum = next
  }
  return sum + lost
}

const random = seeded(1)
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
const rowOf = (n: number, entry: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => entry(i))

const kinds: Record<string, (n: number) => number[]> = {
  realistic: (n) => Array.from(realisticRow(n, random)),
  ties: (n) => rowOf(n, () => Math.round(gaussian(random) * 2) / 2),
  equal: (n) => rowOf(n, () => -7.25),
  zeros: (n) => rowOf(n, () => pick([0, -0])),
  one: (n) => rowOf(n, () => Number.NEGATIVE_INFINITY).with(Math.floor(random() * n), 3.5),
  masked: (n) =>
    rowOf(n, () => (random() < 1 / 3 ? Number.NEGATIVE_INFINITY : gaussian(random) * 3)).with(0, 1),
  offset: (n) => rowOf(n, () => 1e4 + gaussian(random) * 2),
  wide: (n) => rowOf(n, () => 1e4 * gaussian(random)),
  far: (n) => rowOf(n, () => pick([-LOWEST, LOWEST, 1e38, 0, 5])),
  subnormal: (n) => rowOf(n, () => random() * 1e-40),
}
const temperatures = [1e-300, 1e-8, 1e-3, 0.05, 0.3, 0.7, 1, 1.3, 2, 10, 1e3, 1e9, 1e300]

/** Compares every function of the kernel with float64 on one row. */
function check(source: ArrayLike<number>, temperature: number): void {
  const { blocks, logits } = place(source)
  const max = kernel.scan(row, blocks, maxima)
  expect(max).toBe(logits.reduce((a, b) => Math.max(a, b)) + 0)
  const unmasked = Array.from(logits).filter((logit) => logit > Number.NEGATIVE_INFINITY)
  expect(kernel.countAtLeast(row, blocks, maxima, Number.NEGATIVE_INFINITY)).toBe(unmasked.length)
  expect(kernel.indexOfMax(row, blocks, maxima, max)).toBe(logits.indexOf(max))

  const d = Array.from(unmasked, (logit) => (logit - max) / temperature)
  const terms = d.map(Math.exp)
  const exact = exactSum(terms)
  const total = kernel.sumExp(row, blocks, max, temperature, sums)
  expect(Math.abs(total / exact - 1)).toBeLessThan(2e-7)
  expect(views.sums.slice(0, blocks).reduce((a, b) => a + b)).toBe(total)
  expect(kernel.sumExpWeighted(row, blocks, max, temperature, sums)).toBe(total)
  const weighted = exactSum(terms.map((e, i) => (e > 0 ? e * d[i]! : 0)))
  const error = Math.abs(kernel.weightedSum.value - weighted)
  expect(error).toBeLessThan(3e-7 * (exact + Math.abs(weighted)))

  const sorted = Float32Array.from(unmasked).sort().reverse()
  for (const k of [1, 40, unmasked.length >> 1, unmasked.length]) {
    if (k < 1 || k > unmasked.length) continue
    const threshold = kernel.thresholdForCount(row, blocks, maxima, max, k)
    expect(threshold).toBeLessThanOrEqual(sorted[k - 1]!)
    const expected = [...logits.keys()].filter(
      (id) => logits[id]! >= threshold && logits[id]! >= LOWEST,
    )
    expect(kernel.countAtLeast(row, blocks, maxima, threshold)).toBe(expected.length)
    expect(
      kernel.collect(row, blocks, maxima, threshold, Number.POSITIVE_INFINITY, ids, values),
    ).toBe(expected.length)
    expect(firstDifference(views.ids.subarray(0, expected.length), expected)).toBeUndefined()
    const collected = expected.map((id) => logits[id]!)
    expect(firstDifference(views.logits.subarray(0, expected.length), collected)).toBeUndefined()
  }

  const sum = kernel.expInto64(values, unmasked.length, max, temperature, masses)
  expect(Math.abs(sum / exact - 1)).toBeLessThan(1e-11)
  const masses64 = Array.from(views.logits.subarray(0, unmasked.length), (logit) =>
    kernel.exp((logit - max) / temperature),
  )
  expect(firstDifference(views.masses.subarray(0, unmasked.length), masses64)).toBeUndefined()

  kernel.moments(row, blocks, max)
  const mean = exactSum(unmasked.map((logit) => logit - max)) / unmasked.length
  const deviation = Math.sqrt(
    exactSum(Array.from(unmasked, (logit) => (logit - max - mean) ** 2)) / unmasked.length,
  )
  const own = Math.sqrt(kernel.momentSquares.value / kernel.momentCount.value)
  expect(kernel.momentCount.value).toBe(unmasked.length)
  expect(Math.abs(own - deviation)).toBeLessThan(
    3e-7 * deviation + 1e-14 * (Math.abs(max) + Math.abs(mean)) + 1e-300,
  )
}

describe('the kernel', () => {
  it.each(Object.keys(kinds))('agrees with float64 on %s rows', (kind) => {
    for (const temperature of temperatures) {
      for (let i = 0; i < 3; i++) check(kinds[kind]!(1 + Math.floor(random() * 700)), temperature)
    }
    for (const n of [1, 2, 3, 4, 5, BLOCK - 1, BLOCK, BLOCK + 1]) check(kinds[kind]!(n), 0.8)
  })

  it.each([32_000, 128_256, LARGEST])('agrees with float64 on whole vocabularies: %d', (n) => {
    for (const temperature of [0.3, 1, 2]) check(realisticRow(n, random), temperature)
    // One entry above equal ones, so that errors do not average out.
    for (const gap of [3.3, 7.7, 11.1]) check(rowOf(n, () => -0.3).with(7, gap - 0.3), 1)
  })

  it('agrees with float64 on real rows', () => {
    for (const file of ['edge_64', 'stories260k', 'synth_32000']) {
      for (const logits of readRows(file).rows.slice(0, 40)) check(logits, 0.7)
    }
  })
})

describe('scalar functions', () => {
  const { exp, log, pow } = kernel
  it.each<[string, number, number]>([
    ['exp(0)', exp(0), 1],
    ['exp(−∞)', exp(Number.NEGATIVE_INFINITY), 0],
    ['exp(710)', exp(710), Number.POSITIVE_INFINITY],
    ['exp(−746)', exp(-746), 0],
    ['exp(−745)', exp(-745), 5e-324],
    ['log(1)', log(1), 0],
    ['log(0)', log(0), Number.NEGATIVE_INFINITY],
    ['log(−1)', log(-1), Number.NaN],
    ['log(∞)', log(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY],
    ['pow(0, 0)', pow(0, 0), 1],
    ['pow(0, 0.5)', pow(0, 0.5), 0],
    ['pow(1.75, 2)', pow(1.75, 2), 3.0625],
    ['pow(2, −3)', pow(2, -3), 0.125],
  ])('%s', (_, own, expected) => {
    expect(own).toBe(expected)
  })

  it('are within two units of the last place', () => {
    const near = (own: number, host: number, units: number) => {
      const size = Math.max(Math.abs(host), 2.3e-308)
      if (own !== host) expect(Math.abs(own - host) / size).toBeLessThan(units * 2.3e-16)
    }
    for (let i = 0; i < 20_000; i++) {
      const x = i % 2 ? -40 * random() : 1400 * random() - 700
      near(exp(x), Math.exp(x), 2)
      const y = i % 2 ? random() * 3 : 2 ** (2140 * random() - 1070)
      near(log(y), Math.log(y), 2)
      // The error of a power grows with its logarithm.
      const z = 4 * random() - 2
      near(pow(y, z), y ** z, 2 + 2 * Math.abs(z * Math.log(y)))
    }
  })
})
