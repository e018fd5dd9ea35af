import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atOnce } from '../../src/algorithms/pausing.ts'
import { type Completions, completionsOf } from '../../src/sampling/history/completions.ts'
import { type History, joined } from '../../src/sampling/history/history.ts'
import { lastMatchOf } from '../../src/sampling/history/last-match.ts'
import { spent } from '../spent.ts'

/** Histories of few different tokens, so that much repeats. */
const tokens = (minLength: number, maxLength: number) =>
  fc.array(fc.nat(2), { minLength, maxLength }).map((ids) => Uint32Array.from(ids))
const sequences = fc.array(tokens(1, 6), { maxLength: 12 })

/** Whether a token after this history would complete a sequence. */
function completes(history: History, ids: Uint32Array): boolean {
  const before = ids.subarray(0, -1)
  const tokens = joined(history)
  return before.every((id, i) => id === tokens[tokens.length - before.length + i])
}

function foundBy(completions: Completions, history: History) {
  const found: { token: number; bias: number; length: number }[] = []
  atOnce(
    completions.visit(history, (token, bias, length) => {
      found.push({ token, bias, length })
    }),
  )
  return found
}

describe('completions', () => {
  it('equal those of each sequence by itself', () => {
    fc.assert(
      fc.property(sequences, tokens(0, 8), tokens(0, 8), (lists, prompt, output) => {
        const history = { prompt, output }
        const given = lists.map((ids, i) => ({ ids, bias: 2 ** i }))
        const completions = atOnce(completionsOf(given))
        const found = foundBy(completions, history)
        expect(completions.count(history)).toBe(found.length)
        const expected = given.filter(({ ids }) => completes(history, ids))
        const total = (biases: number[]) => biases.reduce((a, b) => a + b, 0)
        expect(total(found.map(({ bias }) => bias))).toBe(total(expected.map(({ bias }) => bias)))
        for (const { token, length } of found) {
          expect(expected.some(({ ids }) => ids.length === length && ids.at(-1) === token)).toBe(
            true,
          )
        }
        const distinct = new Set(found.map(({ token, length }) => `${token} ${length}`))
        expect(distinct.size).toBe(found.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('take hardly longer for many long sequences than for few', () => {
    const history = { prompt: new Uint32Array(0), output: new Uint32Array(5000).fill(1) }
    const visit = (count: number) => {
      const long = Array.from({ length: count }, (_, i) => ({
        ids: Uint32Array.from({ length: 3000 }, (_, at) => (at === i ? 2 : 1)),
        bias: 1,
      }))
      const completions = atOnce(completionsOf(long))
      return spent(() => {
        for (let row = 0; row < 500; row++) expect(foundBy(completions, history)).toEqual([])
      })
    }
    // Checking each of them would take a hundred times as long.
    expect(visit(300)).toBeLessThan(20 * visit(3))
  })
})

describe('the last match', () => {
  const lastMatch = (lists: Uint32Array[], text: Uint32Array) =>
    atOnce(atOnce(lastMatchOf(lists))(text))

  function slowly(lists: Uint32Array[], text: Uint32Array) {
    const isAt = (ids: Uint32Array, start: number) => ids.every((id, i) => text[start + i] === id)
    for (let start = text.length - 1; start >= 0; start--) {
      const lengths = lists.filter((ids) => isAt(ids, start)).map((ids) => ids.length)
      if (lengths.length > 0) return { start, length: Math.max(...lengths) }
    }
    return undefined
  }

  it('equals that of a search at each place', () => {
    fc.assert(
      fc.property(sequences, tokens(0, 30), (lists, text) => {
        expect(lastMatch(lists, text)).toEqual(slowly(lists, text))
      }),
      { numRuns: 3000 },
    )
  })

  it('takes one step for each token, however long near matches are', () => {
    const text = new Uint32Array(200_000).fill(1)
    const search = (length: number) => {
      const lists = Array.from({ length: 20 }, (_, i) =>
        Uint32Array.from({ length: length + i }, (_, at) => (at === 0 ? 2 : 1)),
      )
      const find = atOnce(lastMatchOf(lists))
      return spent(() => expect(atOnce(find(text))).toBeUndefined())
    }
    // Comparing at each place would take a thousand times as long.
    expect(search(5000)).toBeLessThan(20 * search(5))
  })
})
