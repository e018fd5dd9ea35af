import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atOnce, type Pausing } from '../../src/algorithms/pausing.ts'
import {
  countTokens,
  followed,
  joined,
  matchesOfEnd,
  type Tally,
  windowed,
} from '../../src/sampling/history/history.ts'

const tokens = fc.array(fc.nat(2), { maxLength: 20 }).map((ids) => Uint32Array.from(ids))
const histories = fc.record({ prompt: tokens, output: tokens })
const listOf = (history: { prompt: Uint32Array; output: Uint32Array }) => [
  ...history.prompt,
  ...history.output,
]

function entriesOf(work: Pausing<Tally>): [id: number, number: number][] {
  const { size, ids, numbers } = atOnce(work)
  return Array.from({ length: size }, (_, i) => [ids[i]!, numbers[i]!])
}

describe('history', () => {
  it('windowed: the last tokens, still split into prompt and output', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: -1, max: 50 }), (history, count) => {
        const all = listOf(history)
        const last = count === -1 ? all : all.slice(Math.max(0, all.length - count))
        const window = windowed(history, count)
        expect(listOf(window)).toEqual(last)
        expect(window.output.length).toBe(Math.min(history.output.length, last.length))
        expect([...joined(history)]).toEqual(all)
      }),
    )
  })

  it('matchesOfEnd: the longest common suffix of each prefix and the whole', () => {
    fc.assert(
      fc.property(tokens, (ids) => {
        const { length } = ids
        const expected = Array.from(ids, (_, i) => {
          let common = 0
          while (common <= i && ids[i - common] === ids[length - 1 - common]) common++
          return common
        })
        expect([...atOnce(matchesOfEnd(ids))]).toEqual(expected)
      }),
    )
  })

  it('countTokens: the number of occurrences of each, in all parts', () => {
    const counts = countTokens(Uint32Array.of(1, 2, 1), Uint32Array.of(1))
    expect(entriesOf(counts)).toEqual([
      [1, 3],
      [2, 1],
    ])
  })
})

describe('abandoned work', () => {
  it('does not change later results', () => {
    const ids = Uint32Array.from({ length: 100_000 }, (_, i) => i % 7)
    countTokens(ids).next()
    expect(entriesOf(countTokens(ids.subarray(0, 5000)))).toHaveLength(7)
    expect(entriesOf(countTokens(ids))[0]).toEqual([0, 14_286])
  })
})

describe.each([10, 5000])('over histories of some %i tokens', (length) => {
  // Ids that are counted in the array, and larger ids.
  const ids = fc.constantFrom(0, 1, 2, 2 ** 20 - 1, 2 ** 20, 2 ** 31 - 1, 2 ** 32 - 1)
  const period = fc.array(ids, { minLength: 1, maxLength: 7 })
  const long = fc
    .tuple(period, fc.array(ids, { maxLength: 5 }))
    .map(([part, rest]) =>
      Uint32Array.from({ length }, (_, i) => part[i % part.length]!).map((id, i) => rest[i] ?? id),
    )

  it('countTokens: the number of occurrences of each', () => {
    fc.assert(
      fc.property(long, period, (tokens, others) => {
        const counts = new Map<number, number>()
        for (const id of [...tokens, ...others]) counts.set(id, (counts.get(id) ?? 0) + 1)
        expect(entriesOf(countTokens(tokens, Uint32Array.from(others)))).toEqual([...counts])
      }),
      { numRuns: 50 },
    )
  })

  it('followed: the longest copy of the end that each token has followed', () => {
    fc.assert(
      fc.property(long, fc.nat(4), fc.integer({ min: 4, max: 9 }), (tokens, least, most) => {
        const matches = atOnce(matchesOfEnd(tokens))
        const longest = new Map<number, number>()
        for (let i = 1; i < tokens.length; i++) {
          const count = Math.min(matches[i - 1]!, most)
          const before = longest.get(tokens[i]!) ?? -1
          if (count >= least) longest.set(tokens[i]!, Math.max(before, count + 1))
        }
        expect(entriesOf(followed(tokens, least, most))).toEqual([...longest])
      }),
      { numRuns: 50 },
    )
  })
})
