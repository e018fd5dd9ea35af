import type { Pausing } from '../../algorithms/pausing.ts'
import { inOrder } from '../../algorithms/sort.ts'
import type { History } from './history.ts'

/** Some tokens in a row, and what they mean to the last of them. */
interface Sequence {
  readonly ids: Uint32Array
  readonly bias: number
}

/** Told of a token that would complete a sequence of so many tokens; sequences that are the same add their biases up. */
type Complete = (token: number, bias: number, length: number) => void

/** Few comparisons for each token of the history that matches, however many sequences there are. */
export interface Completions {
  /** Go through what would be completed after this history. */
  visit(history: History, complete: Complete): Pausing
  /** How many that are. */
  count(history: History): number
}

/** How many of them are gone through in one go. */
const FEW = 2 ** 13

/**
 * How many of some sequences may be completed after a history, going by its last token alone: cheap to make and to ask,
 * for an estimate.
 */
export function mayComplete(given: readonly Uint32Array[]): (history: History) => number {
  let always = 0
  const after = new Map<number, number>()
  for (const ids of given) {
    if (ids.length === 1) {
      always++
      continue
    }
    const before = ids[ids.length - 2]!
    after.set(before, (after.get(before) ?? 0) + 1)
  }
  return ({ prompt, output }) => {
    const last = output.at(-1) ?? prompt.at(-1)
    return always + (last === undefined ? 0 : (after.get(last) ?? 0))
  }
}

/** By the tokens before the last one, read backwards, a shorter sequence before a longer; then by the last one. */
function compare(a: Uint32Array, b: Uint32Array): number {
  const length = Math.min(a.length, b.length)
  for (let back = 2; back <= length; back++) {
    const difference = a[a.length - back]! - b[b.length - back]!
    if (difference !== 0) return difference
  }
  return a.length - b.length || a.at(-1)! - b.at(-1)!
}

export function* completionsOf(given: readonly Sequence[]): Pausing<Completions> {
  const sequences: Sequence[] = []
  const sorted = yield* inOrder(given, (a, b) => compare(a.ids, b.ids))
  for (const [i, sequence] of sorted.entries()) {
    if (i % FEW === FEW - 1) yield
    const last = sequences.at(-1)
    if (last && compare(last.ids, sequence.ids) === 0) {
      sequences[sequences.length - 1] = { ids: last.ids, bias: last.bias + sequence.bias }
    } else sequences.push(sequence)
  }

  /** The first of the sequences from `low` to `high` that is not before what is looked for. */
  function firstFrom(low: number, high: number, isBefore: (ids: Uint32Array) => boolean): number {
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(sequences[middle]!.ids)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The ranges of those completed: of one token, of two, and so on. */
  function rangesAfter({ prompt, output }: History): [from: number, to: number][] {
    const ranges: [number, number][] = []
    let low = 0
    let high = sequences.length
    for (let length = 1; low < high; length++) {
      const from = low
      low = firstFrom(from, high, (ids) => ids.length === length)
      if (low > from) ranges.push([from, low])
      const fromPrompt = length - output.length
      const token =
        fromPrompt > 0 ? prompt[prompt.length - fromPrompt] : output[output.length - length]
      if (token === undefined) break
      low = firstFrom(low, high, (ids) => ids[ids.length - length - 1]! < token)
      high = firstFrom(low, high, (ids) => ids[ids.length - length - 1]! === token)
    }
    return ranges
  }

  return {
    *visit(history, complete) {
      for (const [from, to] of rangesAfter(history)) {
        for (let i = from; i < to; i++) {
          if (i % FEW === FEW - 1) yield
          const { ids, bias } = sequences[i]!
          complete(ids[ids.length - 1]!, bias, ids.length)
        }
      }
    },
    count: (history) => rangesAfter(history).reduce((sum, [from, to]) => sum + to - from, 0),
  }
}
