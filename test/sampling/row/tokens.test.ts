import { expect, it } from 'vitest'
import { atOnce, LARGE } from '../../../src/algorithms/pausing.ts'
import { ascending, firstFrom, mergeTokens } from '../../../src/sampling/row/tokens.ts'

it('merges tokens among others by id', () => {
  const ids = new Uint32Array(8)
  const logits = new Float64Array(8)
  ids.set([2, 5, 9])
  logits.set([20, 50, 90])
  const tokens = { ids: Uint32Array.of(0, 6, 7, 11), logits: Float64Array.of(0, 60, 70, 110) }
  expect(mergeTokens({ ids, logits }, 3, tokens)).toBe(7)
  expect([...ids.subarray(0, 7)]).toEqual([0, 2, 5, 6, 7, 9, 11])
  expect([...logits.subarray(0, 7)]).toEqual([0, 20, 50, 60, 70, 90, 110])
})

it('finds the first id from another on', () => {
  const ids = Uint32Array.of(2, 5, 9)
  expect([0, 2, 3, 9, 10].map((id) => firstFrom(ids, id))).toEqual([0, 0, 1, 2, 3])
  expect(firstFrom(ids, 9, 2)).toBe(2)
})

it('lists distinct ids in order, also of a list that takes several parts', () => {
  expect([...atOnce(ascending(Uint32Array.of(5, 1, 5, 3)))]).toEqual([1, 3, 5])
  expect([...atOnce(ascending(Uint32Array.of(1, 3, 3)))]).toEqual([1, 3])
  const long = Uint32Array.from({ length: LARGE + 5 }, (_, i) => 3 * ((i * 7919) % 1000))
  const work = ascending(long)
  expect(work.next().done).toBe(false)
  expect([...atOnce(ascending(long))]).toEqual(Array.from({ length: 1000 }, (_, i) => 3 * i))
})
