import { PART, type Work } from './work.ts'

/** Sorting by digits, the last one first: time linear in what is sorted, and it can stop between passes. */

/** A comparison sort is faster for fewer than this. */
const FEW = 1024

const DIGIT_BITS = 11
const DIGITS = 2 ** DIGIT_BITS
const starts = new Uint32Array(DIGITS)

/** From how many entries have a digit to where the first of them goes. */
function toStarts(): void {
  let start = 0
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit]!
    starts[digit] = start
    start += count
  }
}

/** The same ids, ascending. */
export function sortIds(ids: Uint32Array): Uint32Array {
  if (ids.length < FEW) return ids.sort()
  let from: Uint32Array = ids
  let to: Uint32Array = new Uint32Array(ids.length)
  let all = 0
  for (let i = 0; i < ids.length; i++) all |= ids[i]!
  for (let shift = 0; shift < 32 && all >>> shift > 0; shift += DIGIT_BITS) {
    starts.fill(0)
    for (let i = 0; i < from.length; i++) starts[(from[i]! >>> shift) & (DIGITS - 1)]!++
    toStarts()
    for (let i = 0; i < from.length; i++) {
      const id = from[i]!
      to[starts[(id >>> shift) & (DIGITS - 1)]!++] = id
    }
    const sorted = to
    to = from
    from = sorted
  }
  return from
}

/** The places of some numbers in descending order, of equal ones as they came. */
export function* descending(keys: Float64Array): Work<Uint32Array> {
  const { length } = keys
  const places = new Uint32Array(length)
  for (let i = 0; i < length; i++) places[i] = i
  if (length < FEW) return places.sort((a, b) => keys[b]! - keys[a]! || a - b)

  const words = yield* ascendingWords(keys)
  let from = places
  let to = new Uint32Array(length)
  for (const [word, shift] of DIGITS_OF_A_NUMBER) {
    starts.fill(0)
    for (let i = 0; i < length; i++) starts[(words[2 * i + word]! >>> shift) & (DIGITS - 1)]!++
    // Float32 have zeros at the end: such a digit tells nothing apart.
    if (starts[(words[word]! >>> shift) & (DIGITS - 1)] === length) continue
    toStarts()
    yield
    for (let start = 0; start < length; start += PART) {
      const end = Math.min(length, start + PART)
      for (let i = start; i < end; i++) {
        const place = from[i]!
        to[starts[(words[2 * place + word]! >>> shift) & (DIGITS - 1)]!++] = place
      }
    }
    const sorted = to
    to = from
    from = sorted
    yield
  }
  return from
}

/** The digits of a float64 as words, low ones first: which word, and how far up. */
const DIGITS_OF_A_NUMBER = [0, 1].flatMap((word) => [0, 11, 22].map((shift) => [word, shift])) as [
  number,
  number,
][]

/** Numbers as pairs of words, low and high, which ascend where the numbers descend. */
function* ascendingWords(keys: Float64Array): Work<Uint32Array> {
  // The sum makes 0 of -0, which compares as equal.
  const numbers = keys.map((key) => key + 0)
  yield
  const words = new Uint32Array(numbers.buffer)
  for (let i = 0; i < words.length; i += 2) {
    if (words[i + 1]! >>> 31 === 1) continue
    words[i] = ~words[i]!
    words[i + 1] = ~words[i + 1]! & 0x7fffffff
  }
  yield
  return words
}
