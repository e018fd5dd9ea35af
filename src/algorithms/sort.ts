import { PART, type Pausing } from './pausing.ts'

/** Radix sorts, last digit first. They take linear time and can pause between passes. */

/** With fewer entries a comparison sort is faster. */
const FEW = 1024

const DIGIT_BITS = 11
const DIGITS = 2 ** DIGIT_BITS
const starts = new Uint32Array(DIGITS)

/** Turns the count of each digit into the place of its first entry. */
function toStarts(): void {
  let start = 0
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit]!
    starts[digit] = start
    start += count
  }
}

/** The ids in ascending order. May reorder its argument. */
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

/** The places of ids in ascending order of ids. The sort is stable. */
export function* placesById(ids: Uint32Array): Pausing<Uint32Array> {
  const places = identity(ids.length)
  if (ids.length < FEW) return places.sort((a, b) => ids[a]! - ids[b]! || a - b)
  return yield* byDigits(places, ids, 1, 0, 3)
}

/** The places of keys in descending order of keys. The sort is stable. */
export function* descending(keys: Float64Array): Pausing<Uint32Array> {
  const places = identity(keys.length)
  if (keys.length < FEW) return places.sort((a, b) => keys[b]! - keys[a]! || a - b)
  const words = ascendingWords(keys)
  yield
  const byLow = yield* byDigits(places, words, 2, 0, 3)
  return yield* byDigits(byLow, words, 2, 1, 3)
}

function identity(length: number): Uint32Array {
  const places = new Uint32Array(length)
  for (let i = 0; i < length; i++) places[i] = i
  return places
}

/** Sorts places by a word of each: the word of place p is at `stride * p + first`. */
function* byDigits(
  places: Uint32Array,
  words: Uint32Array,
  stride: number,
  first: number,
  digits: number,
): Pausing<Uint32Array> {
  const { length } = places
  let from = places
  let to: Uint32Array = new Uint32Array(length)
  for (let shift = 0; shift < digits * DIGIT_BITS; shift += DIGIT_BITS) {
    starts.fill(0)
    for (let i = first; i < words.length; i += stride) {
      starts[(words[i]! >>> shift) & (DIGITS - 1)]!++
    }
    // A digit that all entries share needs no pass: the low digits of float32 numbers, or the high digits of ids.
    if (starts[(words[first]! >>> shift) & (DIGITS - 1)] === length) continue
    toStarts()
    if (length > PART) yield
    for (let i = 0; i < length; i++) {
      if (i % PART === PART - 1) yield
      const place = from[i]!
      to[starts[(words[stride * place + first]! >>> shift) & (DIGITS - 1)]!++] = place
    }
    const sorted = to
    to = from
    from = sorted
    if (length > PART) yield
  }
  return from
}

/** Numbers as pairs of words, low and high. The pairs have the reverse order of the numbers. */
function ascendingWords(keys: Float64Array): Uint32Array {
  const numbers = new Float64Array(keys.length)
  // Adding 0 turns -0 into 0, so that both get the same words.
  for (let i = 0; i < keys.length; i++) numbers[i] = keys[i]! + 0
  const words = new Uint32Array(numbers.buffer)
  for (let i = 0; i < words.length; i += 2) {
    if (words[i + 1]! >>> 31 === 1) continue
    words[i] = ~words[i]!
    words[i + 1] = ~words[i + 1]! & 0x7fffffff
  }
  return words
}

/** The number of items that are sorted by comparison at a time. */
const RUN = 4096

/** `toSorted` in parts. */
export function* inOrder<Item>(
  items: readonly Item[],
  compare: (a: Item, b: Item) => number,
): Pausing<Item[]> {
  let runs: Item[][] = []
  for (let start = 0; start < items.length; start += RUN) {
    runs.push(items.slice(start, start + RUN).sort(compare))
    yield
  }
  while (runs.length > 1) {
    const merged: Item[][] = []
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(runs[i + 1] ? merge(runs[i]!, runs[i + 1]!, compare) : runs[i]!)
      yield
    }
    runs = merged
  }
  return runs[0] ?? []
}

function merge<Item>(a: Item[], b: Item[], compare: (a: Item, b: Item) => number): Item[] {
  const merged: Item[] = []
  let next = 0
  for (const item of a) {
    while (next < b.length && compare(b[next]!, item) < 0) merged.push(b[next++]!)
    merged.push(item)
  }
  while (next < b.length) merged.push(b[next++]!)
  return merged
}
