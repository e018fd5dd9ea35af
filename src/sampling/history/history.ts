import { oncePer } from '../../algorithms/once.ts'
import { PART, type Pausing } from '../../algorithms/pausing.ts'
import { raiseUnseen, setLogit } from '../row/changes.ts'
import type { Row } from '../row/row.ts'

/** The tokens so far: given ones and generated ones. */
export interface History {
  readonly prompt: Uint32Array
  readonly output: Uint32Array
}

/** Thrown if a sampler would change the logit of an id outside the vocabulary. */
export class UnknownToken extends Error {
  readonly id: number
  /** The list that has the id, if the sampler knows it. */
  readonly part: HistoryPart | undefined

  constructor(id: number, part: HistoryPart | undefined) {
    super()
    this.id = id
    this.part = part
  }
}

export type HistoryPart = 'prompt' | 'output' | 'stop'

/**
 * Checks a token of a history before a sampler changes its logit. Histories may have ids that are no tokens, such as
 * padding. Comparing them with others is allowed.
 */
export function known(row: Row, id: number, part?: HistoryPart): number {
  if (id < row.vocabSize) return id
  throw new UnknownToken(id, part)
}

const largestOf = oncePer((ids: Uint32Array) => {
  let largest = 0
  for (let i = 0; i < ids.length; i++) if (ids[i]! > largest) largest = ids[i]!
  return largest
})

/** The same for a list of tokens. The check is cached, because rows share lists. */
export function allKnown(row: Row, ids: Uint32Array, part: HistoryPart): Uint32Array {
  const largest = largestOf(ids)
  if (largest >= row.vocabSize) throw new UnknownToken(largest, part)
  return ids
}

/** The last `count` tokens of a history; −1 means all. */
export function windowed({ prompt, output }: History, count: number): History {
  if (count < 0) return { prompt, output }
  const fromOutput = Math.min(count, output.length)
  const fromPrompt = Math.min(count - fromOutput, prompt.length)
  return {
    prompt: prompt.subarray(prompt.length - fromPrompt),
    output: output.subarray(output.length - fromOutput),
  }
}

/** Prompt and output in one array. */
export function joined({ prompt, output }: History): Uint32Array {
  const tokens = new Uint32Array(prompt.length + output.length)
  tokens.set(prompt)
  tokens.set(output, prompt.length)
  return tokens
}

/** Tokens in the order of their first occurrence, each with a number. The arrays may be longer than `size`. */
export interface Tally {
  readonly size: number
  readonly ids: Uint32Array
  readonly numbers: Uint32Array
}

/** A longer history is counted in an array by id, which is faster than a map. */
const MANY = 4096

/** The length of this array. Larger ids are in a map. */
const MOST_IDS = 2 ** 20

/** The place of each token in the tally, from 1. It is all 0 between tallies, unless one was abandoned. */
let places = new Uint32Array(0)
let isInUse = false

function takePlaces(): Uint32Array {
  if (places.length === 0) places = new Uint32Array(MOST_IDS)
  else if (isInUse) places.fill(0)
  isInUse = true
  return places
}

/**
 * Folds over the places of each token: `next` makes its number from the number before, which is 0 at first. If `next`
 * returns 0, the number stays as it is.
 */
function* tally(
  parts: readonly Uint32Array[],
  next: (before: number, index: number) => number,
): Pausing<Tally> {
  const isLong = parts.reduce((sum, { length }) => sum + length, 0) > MANY
  const near = isLong ? takePlaces() : new Uint32Array(0)
  const far = new Map<number, number>()
  let ids = new Uint32Array(64)
  let numbers = new Uint32Array(64)
  let size = 0
  for (const tokens of parts) {
    for (let start = 0; start < tokens.length; start += PART) {
      if (start > 0) yield
      const end = Math.min(tokens.length, start + PART)
      for (let i = start; i < end; i++) {
        const token = tokens[i]!
        let place = token < near.length ? near[token]! : (far.get(token) ?? 0)
        const number = next(place > 0 ? numbers[place - 1]! : 0, i)
        if (number === 0) continue
        if (place === 0) {
          if (size === ids.length) {
            ids = doubled(ids)
            numbers = doubled(numbers)
          }
          ids[size] = token
          place = ++size
          if (token < near.length) near[token] = place
          else far.set(token, place)
        }
        numbers[place - 1] = number
      }
    }
  }
  if (isLong) yield* givePlacesBack(ids.subarray(0, size))
  return { size, ids, numbers }
}

function* givePlacesBack(ids: Uint32Array): Pausing {
  for (let i = 0; i < ids.length; i++) {
    if (i % PART === PART - 1) yield
    if (ids[i]! < places.length) places[ids[i]!] = 0
  }
  isInUse = false
}

function doubled(values: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * values.length)
  larger.set(values)
  return larger
}

/** Calls `act` for each token of a tally. */
export function* forEach(
  { size, ids, numbers }: Tally,
  act: (id: number, number: number) => void,
): Pausing {
  for (let i = 0; i < size; i++) {
    if (i % FEW === FEW - 1) yield
    act(ids[i]!, numbers[i]!)
  }
}

/** The number of tokens whose logits are changed between two pauses. */
const FEW = 2 ** 13

/** The number of times that each token occurs. */
export function countTokens(...parts: Uint32Array[]): Pausing<Tally> {
  return tally(parts, (count) => count + 1)
}

/**
 * Finds the tokens that would prolong a repetition. Such a token followed, earlier in the history, a copy of at least
 * `least` of its last tokens. The number of a token is the length of its longest copy, at most `most`, plus 1. The
 * first token of the history follows nothing.
 */
export function* followed(
  tokens: Uint32Array,
  least: number,
  most = Number.POSITIVE_INFINITY,
): Pausing<Tally> {
  const matches = yield* matchesOfEnd(tokens)
  return yield* tally([tokens], (before, i) => {
    const length = i === 0 ? -1 : Math.min(matches[i - 1]!, most)
    return length < least ? 0 : Math.max(before, length + 1)
  })
}

/**
 * For each place, the number of tokens up to and including it that equal the last tokens of the history. This is the
 * Z-algorithm from right to left: its time is linear in the number of tokens, however they repeat.
 */
export function* matchesOfEnd(tokens: Uint32Array): Pausing<Uint32Array> {
  const last = tokens.length - 1
  const lengths = new Uint32Array(tokens.length)
  if (last >= 0) lengths[last] = tokens.length
  // Positions count back from the end. The match that reaches furthest spans `start` to `reached`.
  let start = 0
  let reached = 0
  for (let back = 1; back <= last; back++) {
    if (back % PART === 0) yield
    let length = 0
    if (back < reached) length = Math.min(lengths[last - (back - start)]!, reached - back)
    if (back + length >= reached) {
      while (back + length <= last && tokens[last - length] === tokens[last - back - length]) {
        length++
        if (length % PART === 0) yield
      }
      start = back
      reached = back + length
    }
    lengths[last - back] = length
  }
  return lengths
}

/** Steps to count the tokens of a history and to change the logit of each distinct one. */
export function penaltyCost({ prompt, output }: History, size: number): number {
  const tokens = prompt.length + output.length
  return COUNT * tokens + CHANGE * Math.min(tokens, size)
}

const COUNT = 30
const CHANGE = 120

/** Makes tokens less likely by a factor above 1, and more likely by one below 1, whatever the signs of their logits. */
export function* discourage(row: Row, tokens: Tally, factor: number): Pausing {
  yield* forEach(tokens, (token) => {
    const logit = row.logitOf(known(row, token)) + row.shift
    if (factor < 1) raiseUnseen(row, token)
    setLogit(row, token, (logit < 0 ? logit * factor : logit / factor) - row.shift)
  })
}
