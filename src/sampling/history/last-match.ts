import type { Pausing } from '../../algorithms/pausing.ts'
import { descending } from '../../algorithms/sort.ts'

/** The sequence that begins last in a text: its start, and the length of the longest sequence there. */
interface Match {
  readonly start: number
  readonly length: number
}

type Find = (tokens: Uint32Array) => Pausing<Match | undefined>

/** The number of tokens that are read between two pauses. */
const STEPS = 4096

/** state · TOKENS + token is a pair of state and token as one number. */
const TOKENS = 2 ** 32

/**
 * Finds the sequence that begins last in a text. It uses an Aho–Corasick automaton of the reversed sequences, which
 * takes one step for each token, whatever the sequences have in common.
 */
export function* lastMatchOf(sequences: readonly Uint32Array[]): Pausing<Find> {
  const next = new Map<number, number>()
  const states = [{ parent: 0, token: 0, depth: 0 }]
  const longest = [0]
  for (const sequence of sequences) {
    let state = 0
    for (let i = sequence.length - 1; i >= 0; i--) {
      const key = state * TOKENS + sequence[i]!
      let child = next.get(key)
      if (child === undefined) {
        child = states.length
        next.set(key, child)
        states.push({ parent: state, token: sequence[i]!, depth: states[state]!.depth + 1 })
        longest.push(0)
      }
      state = child
      if (state % STEPS === 0) yield
    }
    longest[state] = sequence.length
  }

  /** The fallback of each state: the state of the longest proper suffix of its tokens that a reversed sequence begins with. */
  const fallback = new Uint32Array(states.length)

  function step(state: number, token: number): number {
    for (;;) {
      const child = next.get(state * TOKENS + token)
      if (child !== undefined) return child
      if (state === 0) return 0
      state = fallback[state]!
    }
  }

  yield
  const byDepth = (yield* descending(
    Float64Array.from(states, ({ depth }) => -depth),
  )) as Uint32Array
  for (const [i, state] of byDepth.entries()) {
    if (i % STEPS === STEPS - 1) yield
    const { parent, token, depth } = states[state]!
    if (depth > 1) fallback[state] = step(fallback[parent]!, token)
    if (longest[state] === 0) longest[state] = longest[fallback[state]!]!
  }

  return function* (tokens) {
    let state = 0
    for (let start = tokens.length - 1; start >= 0; start--) {
      if (start % STEPS === STEPS - 1) yield
      state = step(state, tokens[start]!)
      if (longest[state]! > 0) return { start, length: longest[state]! }
    }
    return undefined
  }
}
