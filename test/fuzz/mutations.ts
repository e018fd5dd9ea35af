import fc from 'fast-check'

/** Small changes to valid bytes. */

export type Mutation = (bytes: Buffer) => Buffer

/** Bytes that are special to parsers of HTTP, JSON, URLs, numbers or compressed data. */
const telling = [
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', ',', '/', '..', '%', '%00', '%2e', '?', '&'],
  ...['=', '#', '*', '{', '}', '[', ']', '"', '\\', '\\u', '-', '+', '.', 'e', '0', '9', 'null'],
  ...['HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'chunked', '\r\n\r\n', '\x1f\x8b', '\x7f', '\xff\xfe'],
].map((text) => Buffer.from(text, 'latin1'))

const piece = fc.oneof(
  fc.constantFrom(...telling),
  fc.uint8Array({ minLength: 1, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
)

const place = fc.double({ min: 0, max: 1, noNaN: true })

const mutation: fc.Arbitrary<Mutation> = fc
  .tuple(
    fc.constantFrom('flip', 'insert', 'replace', 'delete', 'duplicate', 'cut'),
    place,
    fc.integer({ min: 1, max: 40 }),
    fc.nat(7),
    piece,
  )
  .map(([kind, where, length, bit, some]) => (bytes) => {
    const at = Math.floor(where * bytes.length)
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
    if (kind === 'flip') {
      const flipped = Buffer.from(bytes)
      if (at < flipped.length) flipped[at]! ^= 1 << bit
      return flipped
    }
    if (kind === 'insert') return Buffer.concat([before, some, after])
    if (kind === 'replace') return Buffer.concat([before, some, after.subarray(some.length)])
    if (kind === 'delete') return Buffer.concat([before, after.subarray(length)])
    if (kind === 'duplicate') return Buffer.concat([before, after.subarray(0, length), after])
    return before
  })

/** A few changes in sequence. */
export const mutations: fc.Arbitrary<Mutation> = fc
  .array(mutation, { minLength: 1, maxLength: 4 })
  .map((all) => (bytes) => all.reduce((given, change) => change(given), bytes))

/** Mostly no change, for bytes that are invalid already. */
export const rarely: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Mutation>((bytes) => bytes) },
  mutations,
)

/** The ends of segments, as shares of the whole length. */
export const cuts = fc.oneof(
  { weight: 2, arbitrary: fc.constant<number[]>([]) },
  fc.array(place, { maxLength: 6 }),
)

export function split(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = at.map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b)
  const borders = [0, ...places, bytes.length]
  return borders
    .slice(1)
    .map((end, i) => bytes.subarray(borders[i], end))
    .filter(({ length }) => length > 0)
}
