import {
  COLON,
  COMMA,
  isDigit,
  isLetter,
  isNumeric,
  isPlain,
  isSpace,
  literals,
  NUMBER,
  QUOTE,
} from './characters.ts'

/** Bytes are decoded to text in blocks of this size, because a `toString` for each key would take longer than everything else. */
const BLOCK = 1024

/** Keys of at most this many digits become array indexes here. V8 parses such keys far more slowly. */
const INDEX_DIGITS = 9

/** How far `readFields` got. */
export interface Members {
  /** The next byte to read: the start of a field, or of a value if `key` is defined. */
  readonly position: number
  readonly key: string | undefined
  /** Whether at least one field and its comma were read. */
  readonly isBehindComma: boolean
  /** The number of bytes read, without white space. */
  readonly length: number
  /** The number of fields read, and of those whose key is no array index. */
  readonly fields: number
  readonly named: number
}

/**
 * The fast path for fields: reads fields with short keys and short plain values, each with its comma. It stops
 * at the first field that is incomplete, escaped, nested or faulty, and leaves it to the reader.
 */
export function readFields(
  bytes: Buffer,
  from: number,
  end: number,
  object: Record<string, unknown>,
): Members {
  let text = ''
  let textStart = from
  let start = from
  let length = 0
  let fields = 0
  let named = 0
  for (;;) {
    const limit = Math.min(start + BLOCK, end)
    let at = skipSpace(bytes, start, limit)
    if (at === limit || bytes[at] !== QUOTE) break
    const keyStart = at + 1
    const keyEnd = skipPlain(bytes, keyStart, limit)
    if (keyEnd === limit || bytes[keyEnd] !== QUOTE) break
    at = skipSpace(bytes, keyEnd + 1, limit)
    if (at === limit || bytes[at] !== COLON) break
    const valueStart = skipSpace(bytes, at + 1, limit)
    const valueEnd = skipValue(bytes, valueStart, limit)
    const comma = skipSpace(bytes, valueEnd, limit)
    if (comma > textStart + text.length) {
      textStart = start
      text = bytes.toString('latin1', start, limit)
    }
    const given = comma < limit && bytes[comma] === COMMA
    const value = given
      ? toValue(text.slice(valueStart - textStart, valueEnd - textStart))
      : undefined
    if (value === undefined) {
      const key = text.slice(keyStart - textStart, keyEnd - textStart)
      length += keyEnd - keyStart + 2
      return { position: at + 1, key, isBehindComma: start > from, length, fields, named }
    }
    const index = indexOf(bytes, keyStart, keyEnd)
    if (index >= 0) object[index] = value
    else {
      setOwn(object, text.slice(keyStart - textStart, keyEnd - textStart), value)
      named++
    }
    fields++
    length += keyEnd - keyStart + valueEnd - valueStart + 4
    start = comma + 1
  }
  return { position: start, key: undefined, isBehindComma: start > from, length, fields, named }
}

function skipSpace(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && isSpace(bytes[at]!)) at++
  return at
}

function skipPlain(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && isPlain(bytes[at]!)) at++
  return at
}

/**
 * The position after the number, literal or plain string at `from`: `from` if there is none of these, and `end` if a
 * string is not plain.
 */
function skipValue(bytes: Buffer, from: number, end: number): number {
  let at = from
  if (at === end) return end
  if (bytes[at] === QUOTE) {
    at = skipPlain(bytes, from + 1, end)
    return at < end && bytes[at] === QUOTE ? at + 1 : end
  }
  const belongs = isLetter(bytes[at]!) ? isLetter : isNumeric
  while (at < end && belongs(bytes[at]!)) at++
  return at
}

/** The value of a string, number or literal; undefined if it is none of these. */
function toValue(text: string): unknown {
  const byte = text.charCodeAt(0)
  if (byte === QUOTE) return text.slice(1, -1)
  if (text.length === 1 && isDigit(byte)) return byte - 0x30
  return NUMBER.test(text) ? Number(text) : literals.get(text)
}

/** The key as an array index; −1 if it is none. */
function indexOf(bytes: Buffer, from: number, end: number): number {
  const length = end - from
  if (length === 0 || length > INDEX_DIGITS || (length > 1 && bytes[from] === 0x30)) return -1
  let index = 0
  for (let at = from; at < end; at++) {
    if (!isDigit(bytes[at]!)) return -1
    index = index * 10 + bytes[at]! - 0x30
  }
  return index
}

/** Whether a key is an array index that `indexOf` would find. */
export const isIndex = (key: string) => /^(?:0|[1-9]\d{0,8})$/.test(key)

/** Sets an own property, as JSON.parse does: `__proto__` is a key like any other. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else {
    const property = { value, enumerable: true, configurable: true, writable: true }
    Object.defineProperty(object, key, property)
  }
}
