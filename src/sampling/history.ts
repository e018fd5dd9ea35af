import { oncePer } from './once.ts'
import type { Row } from './row.ts'

/** The tokens so far: those given, and those generated. */
export interface History {
  readonly prompt: Uint32Array
  readonly output: Uint32Array
}

/** A token that a sampler would change the logit of, and that the vocabulary does not have. */
export class UnknownToken extends Error {
  readonly id: number
  /** Where it is from, where it need not be looked for in the whole history. */
  readonly part: Part | undefined

  constructor(id: number, part: Part | undefined) {
    super()
    this.id = id
    this.part = part
  }
}

export type Part = 'prompt' | 'output' | 'stop'

/**
 * A token of a history, for a sampler that goes on to change its logit. Histories may have ids that are no
 * tokens, such as padding; those that are only compared with others do no harm.
 */
export function known(row: Row, id: number, part?: Part): number {
  if (id < row.vocabSize) return id
  throw new UnknownToken(id, part)
}

const largestOf = oncePer((ids: Uint32Array) => ids.reduce((a, b) => Math.max(a, b), 0))

/** The same for tokens that rows share. */
export function allKnown(row: Row, ids: Uint32Array, part: Part): Uint32Array {
  const largest = largestOf(ids)
  if (largest >= row.vocabSize) throw new UnknownToken(largest, part)
  return ids
}

/** The last `count` tokens of a history; −1 is all. */
export function windowed({ prompt, output }: History, count: number): History {
  if (count < 0) return { prompt, output }
  const fromOutput = Math.min(count, output.length)
  const fromPrompt = Math.min(count - fromOutput, prompt.length)
  return {
    prompt: prompt.subarray(prompt.length - fromPrompt),
    output: output.subarray(output.length - fromOutput),
  }
}

/** Prompt and output in one. */
export function joined({ prompt, output }: History): Uint32Array {
  const tokens = new Uint32Array(prompt.length + output.length)
  tokens.set(prompt)
  tokens.set(output, prompt.length)
  return tokens
}

/** From so many tokens on an array of numbers by id is faster than a map. */
const MANY = 4096

/** Ids from here on have no place in it. */
const MOST_IDS = 2 ** 20

let byId = new Uint32Array(0)

/**
 * A number for each token, in the order in which tokens first occur, by what comes of the number before (0 at
 * first) at a place. Each number is above 0; a place that gives 0 changes nothing.
 */
function tally(
  parts: readonly Uint32Array[],
  next: (before: number, index: number) => number,
): Map<number, number> {
  const numbers = new Map<number, number>()
  const isLong = parts.reduce((sum, { length }) => sum + length, 0) > MANY
  if (isLong && byId.length === 0) byId = new Uint32Array(MOST_IDS)
  for (const part of parts) {
    for (let i = 0; i < part.length; i++) {
      const token = part[i]!
      const isInArray = isLong && token < MOST_IDS
      const before = isInArray ? byId[token]! : (numbers.get(token) ?? 0)
      const number = next(before, i)
      if (number === 0) continue
      if (!isInArray) numbers.set(token, number)
      else {
        if (before === 0) numbers.set(token, 0)
        byId[token] = number
      }
    }
  }
  for (const [token, number] of numbers) {
    if (number > 0) continue
    numbers.set(token, byId[token]!)
    byId[token] = 0
  }
  return numbers
}

/** How often each token occurs, in the order in which they first do. */
export function countTokens(...parts: Uint32Array[]): Map<number, number> {
  return tally(parts, (count) => count + 1)
}

/**
 * For each token that has followed `least` or more tokens of those at the end, somewhere before it: how many it has
 * followed, at most `most`. The first token of all has followed nothing.
 */
export function followed(
  tokens: Uint32Array,
  least: number,
  most = Number.POSITIVE_INFINITY,
): Map<number, number> {
  const matches = matchesOfEnd(tokens)
  // One more than the length, which may be 0.
  const numbers = tally([tokens], (before, i) => {
    const length = i === 0 ? -1 : Math.min(matches[i - 1]!, most)
    return length < least ? 0 : Math.max(before, length + 1)
  })
  for (const [token, number] of numbers) numbers.set(token, number - 1)
  return numbers
}

/**
 * For each place, how many tokens up to it, itself included, are also those at the end. This is the
 * Z-algorithm read backwards: its time grows with the number of tokens alone, however they repeat.
 */
export function matchesOfEnd(tokens: Uint32Array): Uint32Array {
  const last = tokens.length - 1
  const lengths = new Uint32Array(tokens.length)
  if (last >= 0) lengths[last] = tokens.length
  // Distances back from the end: the match that reaches furthest back spans `start` to `reached`.
  let start = 0
  let reached = 0
  for (let back = 1; back <= last; back++) {
    let length = 0
    if (back < reached) length = Math.min(lengths[last - (back - start)]!, reached - back)
    if (back + length >= reached) {
      while (back + length <= last && tokens[last - length] === tokens[last - back - length]) {
        length++
      }
      start = back
      reached = back + length
    }
    lengths[last - back] = length
  }
  return lengths
}

/** Make tokens less likely by a factor above 1, or more by one below, whatever the signs of their logits. */
export function discourage(row: Row, tokens: Iterable<number>, factor: number): void {
  for (const token of tokens) {
    const logit = row.logitOf(known(row, token)) + row.shift
    if (factor < 1) row.raiseUnseen(token)
    row.setLogit(token, (logit < 0 ? logit * factor : logit / factor) - row.shift)
  }
}
