import type { Pausing } from '../../algorithms/pausing.ts'
import { inOrder } from '../../algorithms/sort.ts'
import type { History } from './history.ts'

/** A sequence of tokens, and the bias of the last one when the others precede it. */
interface Sequence {
  readonly ids: Uint32Array
  readonly bias: number
}

/** Called for a token that would complete a sequence of `length` tokens. The biases of equal sequences are summed. */
type Complete = (token: number, bias: number, length: number) => void

/** Finds the sequences that a next token would complete. The time grows with the logarithm of their number. */
export interface Completions {
  /** Calls `complete` for each sequence that a next token would complete. */
  visit(history: History, complete: Complete): Pausing
  /** The number of these sequences. */
  count(history: History): number
}

/** The number of sequences that are visited between two pauses. */
const FEW = 2 ** 13

/**
 * Estimates the number of sequences that a next token would complete, by the last token of the history only. It is
 * cheap to make and to call.
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

/** Sorts by the tokens before the last one, from right to left, shorter sequences first; then by the last token. */
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

  /** The first sequence between `low` and `high` for which `isBefore` is false. */
  function firstFrom(low: number, high: number, isBefore: (ids: Uint32Array) => boolean): number {
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBefore(sequences[middle]!.ids)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The ranges of sequences that a next token would complete: those of one token, of two, and so on. */
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
