import * as z from 'zod'
import { finish, PART } from '../../algorithms/pausing.ts'
import { exp } from '../../kernel/index.ts'
import { keepTop } from '../row/cuts.ts'
import { ranked } from '../row/ranking.ts'
import { defineSampler } from '../sampler.ts'

/**
 * The number of most likely tokens in the first attempt, and the factor by which it grows with each further attempt.
 */
const FIRST = 256
const GROWTH = 64

/** Steps for a token of a flat row, of which all tokens are sorted. */
const SORTED = 250

/** The second differences that rounding of logits may give a straight line, if the largest mass is 1. */
const STRAIGHT = 1e-6

export const tfs = defineSampler({
  name: 'tfs',
  title: 'Tail-free',
  meaning:
    'Removes the flat tail of the sorted probabilities: it begins where the curvature so far reaches a given share of the whole.',
  reference: {
    title: 'Bricken: Tail free sampling (2019)',
    url: 'https://www.trentonbricken.com/Tail-Free-Sampling/',
  },
  stage: 'truncation',
  fields: {
    tfs: z
      .number()
      .min(0)
      .max(1)
      .meta({
        description:
          'Share, from 0 to 1, of the curvature of the sorted probabilities. The curvature is the sum of the second differences |p₁ − 2 p₂ + p₃|. If the running sum first exceeds this share of it at the c-th difference, the c most likely tokens stay. 1 keeps all (off); so do two tokens, and a straight line.',
        'x-typical': [0.9, 0.99],
      })
      .default(1),
  },
  example: {
    // The differences are 0.2, 0.2, 0.05 and 0; the second differences are 0, 0.15 and 0.05.
    params: { tfs: 0.5 },
    given: [0.5, 0.3, 0.1, 0.05, 0.05],
    gives: [5 / 8, 3 / 8, 0, 0, 0],
  },

  cost: (_params, { size }) => SORTED * size,
  active: ({ tfs }) => tfs < 1,
  *apply(row, { tfs }) {
    const max = row.max()
    for (let count = FIRST; ; count *= GROWTH) {
      const { logits } = yield* ranked(row, count)
      const masses = new Float64Array(logits.length)
      for (let i = 0; i < masses.length; i++) {
        if (i % PART === PART - 1) yield
        masses[i] = exp((logits[i]! - max) / row.temperature)
      }
      if (masses.length > PART) yield
      const kept = tailStart(masses, tfs, masses.length < count)
      if (kept !== undefined || masses.length < count) {
        yield* finish(keepTop(row, kept ?? masses.length))
        return
      }
    }
  },
})

/**
 * The number of masses before the tail; undefined if it depends on masses that are not given. The sum of their second
 * differences is bounded by the last masses given, because |a − 2b + c| ≤ (a − b) + (b − c) and the masses fall to 0.
 */
function tailStart(masses: Float64Array, share: number, isAll: boolean): number | undefined {
  const { length } = masses
  if (length < 3) return length
  const bendAt = (i: number) => Math.abs(masses[i]! - 2 * masses[i + 1]! + masses[i + 2]!)
  let sum = 0
  for (let i = 0; i + 2 < length; i++) sum += bendAt(i)
  const unseen = isAll ? 0 : masses[length - 2]! + masses[length - 1]!

  if (isAll && sum <= STRAIGHT) return length
  let running = 0
  let kept = 0
  while (running <= share * sum) {
    if (kept + 2 >= length) return undefined
    running += bendAt(kept++)
  }
  return running > share * (sum + unseen) ? kept : undefined
}
