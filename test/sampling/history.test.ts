import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens, joined, matchesOfEnd, windowed } from '../../src/sampling/history.ts'

const tokens = fc.array(fc.nat(2), { maxLength: 20 }).map((ids) => Uint32Array.from(ids))
const histories = fc.record({ prompt: tokens, output: tokens })
const listOf = (history: { prompt: Uint32Array; output: Uint32Array }) => [
  ...history.prompt,
  ...history.output,
]

describe('history', () => {
  it('windowed: the last tokens, each still in prompt or output', () => {
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
        expect([...matchesOfEnd(ids)]).toEqual(expected)
      }),
    )
  })

  it('countTokens: how often each occurs, in all parts together', () => {
    const counts = countTokens(Uint32Array.of(1, 2, 1), Uint32Array.of(1))
    expect([...counts]).toEqual([
      [1, 3],
      [2, 1],
    ])
  })
})
