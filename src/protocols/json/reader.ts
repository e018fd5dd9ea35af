import { Problem, toPointer } from '../../errors.ts'
import { MAX_CARRY, TEXT_WINDOW, textWindow } from '../../kernel/memory.ts'
import { joinBytes } from '../../tensors/bytes.ts'
import { ByteQueue } from '../byte-queue.ts'
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  isDigit,
  isLetter,
  isNumeric,
  isPlain,
  isSpace,
  literals,
  MINUS,
  NUMBER,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
} from './characters.ts'
import { ListBuilder } from './list-reader.ts'
import { isIndex, readFields, setOwn } from './members.ts'
import { readNumbers } from './numbers.ts'
import { FaultyText, findFault, LongText } from './text.ts'

/**
 * The largest number of bytes in a body that are neither lists of numbers nor base64. Lists of numbers and base64 take less
 * memory than in the body; everything else takes more.
 */
const MAX_OTHER_BYTES = 2 ** 20

/** The largest amount of memory that the values of a request may take, in bytes. An empty list takes a hundred times its two bytes. */
export const MAX_KEPT = 2 ** 26

/** Upper bounds of memory in bytes, including later copies: an object, a field, and a string without its characters. */
const OBJECT = 300
const FIELD = 160
const TEXT = 48

/** Lists that take more bytes are freed when the request ends, not by the garbage collector. */
const LARGE = 2 ** 14

/** Bytes that are counted for each key or value in addition to its own: quotes, brackets, comma, colon. */
const BOUNDS = 2

/** The largest number of fields in an object whose keys are not token ids. No valid request has nearly as many. */
const MAX_NAMED = 1024

/** The deepest nesting. No valid request is nested nearly as deeply. */
const MAX_DEPTH = 1024

/** Texts of at most this many characters are decoded here, which is faster than a call of `toString`. */
const SHORT_TEXT = 16

/** A string of more bytes is read as base64. */
const LONG_TEXT = 1024

interface ObjectFrame {
  readonly object: Record<string, unknown>
  key: string
  /** The number of fields whose key is no array index. */
  named: number
}

type Expected =
  | 'a value'
  | 'a value or ]'
  | 'a key or }'
  | 'a key'
  | ':'
  | ', or ]'
  | ', or }'
  | 'the end'

/** A string, number or literal whose end has not been read yet. */
interface Token {
  readonly kind: 'text' | 'number' | 'word'
  /** The offset of its first byte in the body. For a string, that is the byte after the quote. */
  readonly start: number
  /** The part of the token that was in earlier chunks. */
  begun: ByteQueue | undefined
  length: number
  /** Whether the last character was a backslash that escapes the next one, and whether the token has any escape. */
  isEscaping: boolean
  hasEscapes: boolean
}

/**
 * Parses JSON as its bytes arrive. The value is that of JSON.parse, with two exceptions: a long list of numbers
 * is a `NumberList`, parsed by the kernel, and a long string is a `DecodedText`. So neither becomes a JavaScript string
 * or array.
 */
export class JsonReader {
  #expected: Expected = 'a value'
  readonly #stack: (ObjectFrame | ListBuilder)[] = []
  #token: Token | undefined
  #longText: { text: LongText; start: number } | undefined
  #root: unknown
  /** The first part of a number that the end of the last chunk cut. */
  #carry = new Uint8Array(0)
  /** The position in the body of the first byte in the kernel's text window. */
  #offset = 0
  #otherBytes = 0
  /** An upper bound of the memory of complete values in bytes, and its limit. */
  #kept = 0
  readonly #maxKept: number
  /** The complete lists and strings that are large, which `release` frees. */
  readonly #large: (ListBuilder | LongText)[] = []

  constructor(maxKept = MAX_KEPT) {
    this.#maxKept = maxKept
  }

  /** Frees the values. Call this after their last use. */
  release(): void {
    for (const one of [...this.#large, ...this.#stack, this.#longText?.text]) {
      if (one && 'release' in one) one.release()
    }
  }

  /** An upper bound of the memory that the values take so far, in bytes. */
  get kept(): number {
    const list = this.#stack.at(-1)
    return this.#kept + (list instanceof ListBuilder ? list.bytes : 0)
  }

  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += TEXT_WINDOW) {
      const part = chunk.subarray(at, at + TEXT_WINDOW)
      const { bytes } = textWindow()
      const window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      const carried = this.#carry.length
      window.set(this.#carry)
      window.set(part, carried)
      if (carried > 0) this.#carry = new Uint8Array(0)
      const end = carried + part.length
      this.#read(window, end)
      this.#offset += end - this.#carry.length
      if (this.kept > this.#maxKept) throw this.#tooLarge()
    }
  }

  #tooLarge(): Problem {
    const detail = `The values take more than ${this.#maxKept} bytes in memory; send fewer, or send logits as base64`
    return new Problem('BODY_TOO_LARGE', detail)
  }

  /** Whether the value is complete, so that only white space may follow. */
  get isComplete(): boolean {
    return this.#expected === 'the end'
  }

  /** Call this after the last chunk. Returns the value, or throws if it is incomplete. */
  end(): unknown {
    // A space ends a number that is the last token.
    this.push(Uint8Array.of(SPACE))
    if (this.#expected === 'the end') {
      const root = this.#root
      // Drop the value: the reader may live much longer than the value is needed.
      this.#root = undefined
      return root
    }
    if (this.#offset === 1) throw new Problem('EMPTY_BODY', 'Expected a JSON object, got nothing')
    throw new Problem('INVALID_JSON', `The JSON ends too early, after ${this.#offset - 1} bytes`)
  }

  #read(bytes: Buffer, end: number): void {
    let at = 0
    while (at < end) {
      if (this.#longText) at = this.#readLongText(bytes, at, end)
      else if (this.#token) at = this.#readToken(this.#token, bytes, at, end)
      else at = this.#readNext(bytes, at, end)
    }
  }

  #count(bytes: number): void {
    this.#otherBytes += bytes
    if (this.#otherBytes <= MAX_OTHER_BYTES) return
    const detail = `The body has more than ${MAX_OTHER_BYTES} bytes outside lists of numbers and base64; send fewer fields`
    throw new Problem('BODY_TOO_LARGE', detail)
  }

  /** Limits the fields with new names, which cost V8 far more time than anything else in a request. */
  #countNamed(frame: ObjectFrame, fields: number): void {
    frame.named += fields
    if (frame.named <= MAX_NAMED) return
    const path = this.#stack
      .slice(0, -1)
      .map((outer) => (outer instanceof ListBuilder ? outer.length : outer.key))
    const pointer = toPointer(path)
    const detail = `Expected at most ${MAX_NAMED} fields that are not token ids`
    throw new Problem('INVALID_REQUEST', `${pointer || 'The body'}: ${detail}`, [
      { pointer, detail },
    ])
  }

  #readNext(bytes: Buffer, from: number, end: number): number {
    let at = from
    while (at < end && isSpace(bytes[at]!)) at++
    if (at === end) return end
    const byte = bytes[at]!
    switch (this.#expected) {
      case 'a value or ]':
        if (byte === CLOSE_LIST) return this.#close(at)
        return this.#readItem(bytes, at, end)
      case 'a value':
        return this.#stack.at(-1) instanceof ListBuilder
          ? this.#readItem(bytes, at, end)
          : this.#readValue(bytes, at, end)
      case 'a key or }':
        if (byte === CLOSE_OBJECT) return this.#close(at)
        return this.#readKey(bytes, at, end)
      case 'a key':
        return this.#readKey(bytes, at, end)
      case ':':
        if (byte !== COLON) throw this.#fault(bytes, at)
        this.#expected = 'a value'
        return at + 1
      case ', or ]':
        if (byte === CLOSE_LIST) return this.#close(at)
        if (byte !== COMMA) throw this.#fault(bytes, at)
        this.#expected = 'a value'
        return at + 1
      case ', or }':
        if (byte === CLOSE_OBJECT) return this.#close(at)
        if (byte !== COMMA) throw this.#fault(bytes, at)
        this.#expected = 'a key'
        return at + 1
      case 'the end':
        throw this.#fault(bytes, at)
    }
  }

  #readKey(bytes: Buffer, at: number, end: number): number {
    if (bytes[at] !== QUOTE) throw this.#fault(bytes, at)
    const frame = this.#stack.at(-1) as ObjectFrame
    const { position, key, isBehindComma, length, fields, named } = readFields(
      bytes,
      at,
      end,
      frame.object,
    )
    this.#count(length)
    this.#kept += fields * FIELD
    this.#countNamed(frame, named)
    if (key !== undefined) {
      frame.key = key
      this.#expected = 'a value'
    } else if (isBehindComma) this.#expected = 'a key'
    return position > at ? position : this.#begin('text', at + 1)
  }

  /** Reads an item of a list; numbers are read by the kernel. */
  #readItem(bytes: Buffer, at: number, end: number): number {
    const byte = bytes[at]!
    // The next item may be "-Infinity", or its first bytes.
    const isMinusText = byte === QUOTE && (at + 1 === end || bytes[at + 1] === MINUS)
    if (!isDigit(byte) && byte !== MINUS && !isMinusText) return this.#readValue(bytes, at, end)
    const list = this.#stack.at(-1) as ListBuilder
    const { position, expectsItem, isCut, isCompact } = readNumbers(at, end, list)
    if (!isCompact) this.#count(position - at)
    if (position > at) this.#expected = expectsItem ? 'a value' : ', or ]'
    if (isCut && end - position <= MAX_CARRY) {
      this.#carry = new Uint8Array(bytes.subarray(position, end))
      return end
    }
    return position === at || isCut ? this.#readValue(bytes, position, end) : position
  }

  #readValue(bytes: Buffer, at: number, end: number): number {
    const byte = bytes[at]!
    if (byte === OPEN_LIST) return this.#open(new ListBuilder(), 'a value or ]', bytes, at)
    if (byte === OPEN_OBJECT) return this.#open(newFrame(), 'a key or }', bytes, at)
    if (byte === QUOTE)
      return this.#readShortText(bytes, at + 1, end) ?? this.#begin('text', at + 1)
    if (isDigit(byte) || byte === MINUS) return this.#begin('number', at)
    if (isLetter(byte)) return this.#begin('word', at)
    throw this.#fault(bytes, at)
  }

  /** The fast path for a short string without escapes that is complete in this chunk. Returns undefined for any other. */
  #readShortText(bytes: Buffer, from: number, end: number): number | undefined {
    const limit = Math.min(end, from + SHORT_TEXT + 1)
    let text = ''
    for (let at = from; at < limit; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.#count(at - from + BOUNDS)
        this.#kept += TEXT
        this.#take(text)
        return at + 1
      }
      if (!isPlain(byte)) return undefined
      text += String.fromCharCode(byte)
    }
    return undefined
  }

  #open(frame: ObjectFrame | ListBuilder, expected: Expected, bytes: Buffer, at: number): number {
    if (this.#stack.length === MAX_DEPTH)
      throw this.#fault(bytes, at, `at most ${MAX_DEPTH} levels`)
    this.#count(BOUNDS)
    this.#stack.push(frame)
    this.#expected = expected
    return at + 1
  }

  #close(at: number): number {
    const frame = this.#stack.pop()!
    if (!(frame instanceof ListBuilder)) this.#kept += OBJECT
    else {
      this.#kept += frame.bytes
      if (frame.bytes > LARGE) this.#large.push(frame)
    }
    this.#take(frame instanceof ListBuilder ? frame.finish() : frame.object)
    return at + 1
  }

  /** Puts a complete value into its list or object. */
  #take(value: unknown): void {
    const frame = this.#stack.at(-1)
    if (!frame) {
      this.#root = value
      this.#expected = 'the end'
    } else if (frame instanceof ListBuilder) {
      frame.add(value)
      this.#expected = ', or ]'
    } else {
      setOwn(frame.object, frame.key, value)
      this.#kept += FIELD
      if (!isIndex(frame.key)) this.#countNamed(frame, 1)
      this.#expected = ', or }'
    }
  }

  #begin(kind: Token['kind'], at: number): number {
    this.#count(BOUNDS)
    this.#token = {
      kind,
      start: this.#offset + at,
      begun: undefined,
      length: 0,
      isEscaping: false,
      hasEscapes: false,
    }
    return at
  }

  #readToken(token: Token, bytes: Buffer, from: number, end: number): number {
    const at = this.#findEnd(token, bytes, from, end)
    token.length += at - from
    if (token.kind === 'text' && token.length > LONG_TEXT && this.#isValue) {
      this.#toLongText(token)
      return from
    }
    this.#count(at - from)
    if (at === end) {
      token.begun ??= new ByteQueue()
      token.begun.push(new Uint8Array(bytes.subarray(from, end)))
      return end
    }
    this.#token = undefined
    const last = bytes.subarray(from, at)
    this.#endToken(token, token.begun ? Buffer.concat([begunOf(token), last]) : last)
    return token.kind === 'text' ? at + 1 : at
  }

  /** The end of the token that continues at `from`, or the end of the chunk. */
  #findEnd(token: Token, bytes: Buffer, from: number, end: number): number {
    let at = from
    if (token.kind !== 'text') {
      const belongs = token.kind === 'word' ? isLetter : isNumeric
      while (at < end && belongs(bytes[at]!)) at++
      return at
    }
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte < SPACE) throw this.#malformed('text', this.#offset + at, bytes.subarray(at, end))
      if (token.isEscaping) token.isEscaping = false
      else if (byte === QUOTE) return at
      else if (byte === BACKSLASH) {
        token.isEscaping = true
        token.hasEscapes = true
      }
    }
    return end
  }

  get #isValue(): boolean {
    return this.#expected === 'a value' || this.#expected === 'a value or ]'
  }

  #endToken(token: Token, bytes: Buffer): void {
    const { kind, start } = token
    const text = bytes.toString()
    if (kind === 'number') {
      if (!NUMBER.test(text)) throw this.#malformed(kind, start, bytes)
      if (this.#stack.at(-1) instanceof ListBuilder) this.#count(-token.length - BOUNDS)
      this.#take(Number(text))
    } else if (kind === 'word') {
      if (!literals.has(text)) throw this.#malformed(kind, start, bytes)
      this.#take(literals.get(text))
    } else {
      const value = token.hasEscapes ? this.#unescape(token, text, bytes) : text
      this.#kept += TEXT + 2 * text.length
      if (this.#isValue) this.#take(value)
      else {
        ;(this.#stack.at(-1) as ObjectFrame).key = value
        this.#expected = ':'
      }
    }
  }

  #unescape({ start }: Token, text: string, bytes: Buffer): string {
    try {
      return JSON.parse(`"${text}"`)
    } catch {
      const whole = Buffer.concat([bytes, Uint8Array.of(QUOTE)])
      const position = findFault(whole)
      throw this.#malformed('text', start + position, whole.subarray(position))
    }
  }

  /** Turns a token that has become long into a `LongText`, and reads its first part again. */
  #toLongText(token: Token): void {
    this.#token = undefined
    this.#longText = { text: new LongText(), start: token.start }
    const begun = begunOf(token)
    this.#count(-begun.length - BOUNDS)
    this.#readLongText(begun, 0, begun.length)
  }

  #readLongText(bytes: Buffer, at: number, end: number): number {
    const { text, start } = this.#longText!
    try {
      const next = text.read(bytes, at, end)
      if (text.isComplete) {
        this.#longText = undefined
        this.#large.push(text)
        const decoded = text.finish()
        this.#kept += LONG_TEXT + (decoded.bytes?.length ?? 0)
        this.#take(decoded)
      }
      return next
    } catch (error) {
      if (!(error instanceof FaultyText)) throw error
      throw this.#malformed('text', start + error.position, bytes.subarray(at + error.offset, end))
    }
  }

  #fault(bytes: Buffer, at: number, expected: string = this.#expected): Problem {
    const got = JSON.stringify(firstCharacter(bytes.subarray(at)))
    const detail = `Expected ${expected} at byte ${this.#offset + at}, got ${got}`
    return new Problem('INVALID_JSON', detail)
  }

  /** `rest` is the token from `position` on, as far as it is read. */
  #malformed(kind: Token['kind'], position: number, rest: Buffer): Problem {
    const text = rest.toString('utf8', 0, 64)
    const got = JSON.stringify(kind === 'text' ? firstCharacter(rest) : text.slice(0, 32))
    const hint = /^(NaN|-?Inf|-$)/.test(text)
      ? '; JSON has no NaN or Infinity: write −∞ as "-Infinity"'
      : ''
    return new Problem('INVALID_JSON', `Malformed ${kind} at byte ${position}, got ${got}${hint}`)
  }
}

function newFrame(): ObjectFrame {
  return { object: {}, key: '', named: 0 }
}

function begunOf({ begun }: Token): Buffer {
  return begun ? Buffer.from(joinBytes(begun.finish()).buffer) : Buffer.alloc(0)
}

function firstCharacter(bytes: Buffer): string {
  const text = bytes.toString('utf8', 0, 4)
  return String.fromCodePoint(text.codePointAt(0)!)
}
