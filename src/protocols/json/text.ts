import { DecodedText } from '../../fields/long-values.ts'
import { ByteQueue } from '../byte-queue.ts'

const [SPACE, QUOTE, BACKSLASH, SMALL_U] = [0x20, 0x22, 0x5c, 0x75]

/** A buffer for unescaped characters. Its contents are used before the next call. */
let scratch = Buffer.alloc(0)

/** Stands for every character beyond Latin-1, none of which is base64. */
const FOREIGN = 0xff

const escapes = new Map(
  Object.entries({
    '"': '"',
    '\\': '\\',
    '/': '/',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
  }).map(([letter, character]) => [letter.charCodeAt(0), character.charCodeAt(0)]),
)

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** Thrown at a byte that JSON does not allow in a string. */
export class FaultyText extends Error {
  /** The place of the byte: after the opening quote, and after the start of the last `read`. */
  readonly position: number
  readonly offset: number

  constructor(position: number, offset: number) {
    super()
    this.position = position
    this.offset = offset
  }
}

/** A long string while it is read. Its base64 is decoded as it arrives; the string itself is not kept. */
export class LongText {
  readonly #bytes = new ByteQueue()
  /** In characters. */
  #length = 0
  /** The number of bytes read so far. */
  #position = 0
  #isBase64 = true
  #isPadded = false
  /** The last characters, fewer than four, which are decoded with those that follow. */
  #rest = ''
  #afterBackslash = false
  /** For \uXXXX: the number of digits still to come, and the value of those before. */
  #digitsLeft = 0
  #code = 0
  isComplete = false

  /** Reads up to the closing quote, and the quote itself. Returns the next position. */
  read(bytes: Buffer, from: number, end: number): number {
    const next = this.#readBase64(bytes, from, end) ?? this.#readAny(bytes, from, end)
    this.#position += next - from
    return next
  }

  /** The fast path for base64 without escapes. Returns undefined if the bytes are anything else. */
  #readBase64(bytes: Buffer, from: number, end: number): number | undefined {
    if (!this.#isBase64 || this.#isWithinEscape) return undefined
    const given = bytes.subarray(from, end)
    const quote = given.indexOf(QUOTE)
    const text = quote < 0 ? given : given.subarray(0, quote)
    if (text.includes(BACKSLASH)) return undefined
    this.#decode(text.toString('latin1'))
    if (!this.#isBase64) return undefined
    this.#length += text.length
    this.isComplete = quote >= 0
    return quote < 0 ? end : from + quote + 1
  }

  get #isWithinEscape(): boolean {
    return this.#afterBackslash || this.#digitsLeft > 0
  }

  #readAny(bytes: Buffer, from: number, end: number): number {
    if (scratch.length < end - from) scratch = Buffer.alloc(end - from)
    const characters = scratch
    let count = 0
    let at = from
    for (; at < end; at++) {
      const byte = bytes[at]!
      let character = byte
      if (this.#isWithinEscape) {
        const escaped = this.#readEscape(byte, at - from)
        if (escaped === undefined) continue
        character = escaped < FOREIGN ? escaped : FOREIGN
        this.#length++
      } else if (byte === BACKSLASH) {
        this.#afterBackslash = true
        continue
      } else if (byte === QUOTE) {
        this.isComplete = true
        break
      } else {
        if (byte < SPACE) throw this.#fault(at - from)
        // The length is in UTF-16 units: a UTF-8 sequence of four bytes counts two, a shorter one counts one.
        this.#length += (byte & 0xc0) === 0x80 ? 0 : byte < 0xf0 ? 1 : 2
      }
      characters[count++] = character
    }
    if (this.#isBase64) this.#decode(characters.toString('latin1', 0, count))
    return this.isComplete ? at + 1 : at
  }

  /** The character of an escape if this byte ends it; otherwise undefined. */
  #readEscape(byte: number, read: number): number | undefined {
    if (this.#digitsLeft > 0) {
      const digit = hexDigit(byte)
      if (digit < 0) throw this.#fault(read)
      this.#code = this.#code * 16 + digit
      this.#digitsLeft--
      return this.#digitsLeft === 0 ? this.#code : undefined
    }
    this.#afterBackslash = false
    if (byte === SMALL_U) {
      this.#digitsLeft = 4
      this.#code = 0
      return undefined
    }
    const character = escapes.get(byte)
    if (character === undefined) throw this.#fault(read)
    return character
  }

  #fault(offset: number): FaultyText {
    return new FaultyText(this.#position + offset, offset)
  }

  #decode(characters: string): void {
    const text = this.#rest + characters
    const whole = text.length - (text.length % 4)
    this.#rest = text.slice(whole)
    const fours = text.slice(0, whole)
    const padding = fours.endsWith('==') ? 2 : fours.endsWith('=') ? 1 : 0
    // Nothing may follow padding, and the characters that wait must be base64 too.
    this.#isBase64 =
      /^[\w+/=]*$/.test(this.#rest) &&
      !(this.#isPadded && text !== '') &&
      this.#push(fours, (whole / 4) * 3 - padding)
    if (padding > 0) this.#isPadded = true
  }

  #push(fours: string, length: number): boolean {
    try {
      const bytes = Uint8Array.fromBase64(fours, { lastChunkHandling: 'strict' })
      // `fromBase64` skips white space, which makes the result too short.
      if (bytes.length !== length) return false
      this.#bytes.push(bytes)
      return true
    } catch {
      return false
    }
  }

  finish(): DecodedText {
    const isBase64 = this.#isBase64 && this.#rest === ''
    return new DecodedText(this.#length, isBase64 ? this.#bytes.finish() : undefined)
  }

  /** Frees the bytes. Call this after their last use. */
  release(): void {
    this.#bytes.release()
  }
}

/** The position of the fault in an invalid string, in bytes after its opening quote. */
export function findFault(bytes: Buffer): number {
  try {
    new LongText().read(bytes, 0, bytes.length)
    return bytes.length
  } catch (error) {
    if (error instanceof FaultyText) return error.position
    throw error
  }
}
