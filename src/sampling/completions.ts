import type { History } from './history.ts'

/** Some tokens in a row, and what they mean to the last of them. */
interface Sequence {
  readonly ids: Uint32Array
  readonly bias: number
}

/** A token that would complete a sequence of so many tokens; sequences that are the same add their biases up. */
export interface Completion {
  readonly token: number
  readonly length: number
  readonly bias: number
}

/** What would be completed after this history: few comparisons for each token that matches, however many sequences there are. */
export type Completions = (history: History) => Completion[]

/** By the tokens before the last one, read backwards, a shorter sequence before a longer; then by the last one. */
function compare(a: Uint32Array, b: Uint32Array): number {
  const length = Math.min(a.length, b.length)
  for (let back = 2; back <= length; back++) {
    const difference = a[a.length - back]! - b[b.length - back]!
    if (difference !== 0) return difference
  }
  return a.length - b.length || a.at(-1)! - b.at(-1)!
}

export function completionsOf(given: readonly Sequence[]): Completions {
  const sequences: Sequence[] = []
  for (const sequence of given.toSorted((a, b) => compare(a.ids, b.ids))) {
    const last = sequences.at(-1)
    if (last && compare(last.ids, sequence.ids) === 0) {
      sequences[sequences.length - 1] = { ids: last.ids, bias: last.bias + sequence.bias }
    } else sequences.push(sequence)
  }

  /** The first of some sequences whose token at this distance from the end is at least `token`. */
  function firstFrom(token: number, back: number, low: number, high: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1
      const { ids } = sequences[middle]!
      if (ids[ids.length - back]! < token) low = middle + 1
      else high = middle
    }
    return low
  }

  return ({ prompt, output }) => {
    const found: Completion[] = []
    let low = 0
    let high = sequences.length
    for (let length = 1; low < high; length++) {
      for (; low < high && sequences[low]!.ids.length === length; low++) {
        const { ids, bias } = sequences[low]!
        found.push({ token: ids.at(-1)!, length, bias })
      }
      const fromPrompt = length - output.length
      const token =
        fromPrompt > 0 ? prompt[prompt.length - fromPrompt] : output[output.length - length]
      if (token === undefined) break
      low = firstFrom(token, length + 1, low, high)
      high = firstFrom(token + 1, length + 1, low, high)
    }
    return found
  }
}
