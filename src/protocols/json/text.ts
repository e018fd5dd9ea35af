import { DecodedText } from '../../sampling/bytes.ts'
import { ByteQueue } from '../byte-queue.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const LOWER_U = 0x75

/** What is no JSON text, at this place of what was read last. */
export class FaultyText extends Error {
  readonly position: number

  constructor(position: number) {
    super()
    this.position = position
  }
}

/** A long text while it is being read: its base64 is decoded as it comes, the text itself is not kept. */
export class LongText {
  readonly #bytes = new ByteQueue()
  #length = 0
  #isBase64 = true
  #isPadded = false
  /** Characters that wait for others to make four. */
  #rest = ''
  /** An escape that has not come to its end. */
  #escape = ''
  isComplete = false

  /** Read up to the closing quote; where reading goes on. */
  read(bytes: Uint8Array, from: number, end: number): number {
    let at = from
    let quote = -1
    while (at < end) {
      if (this.#escape !== '') {
        this.#escape += String.fromCharCode(bytes[at]!)
        at++
        this.#endEscape(at)
        continue
      }
      if (quote < at) {
        quote = bytes.subarray(0, end).indexOf(QUOTE, at)
        if (quote < 0) quote = end
      }
      const backslash = bytes.subarray(0, quote).indexOf(BACKSLASH, at)
      const stop = backslash < 0 ? quote : backslash
      this.#take(bytes, at, stop)
      at = stop + 1
      if (backslash >= 0) this.#escape = '\\'
      else if (quote < end) {
        this.isComplete = true
        return at
      }
    }
    return end
  }

  #endEscape(at: number): void {
    const isUnicode = this.#escape.charCodeAt(1) === LOWER_U
    if (isUnicode && this.#escape.length < 6) return
    const sequence = this.#escape
    this.#escape = ''
    let character: string
    try {
      character = JSON.parse(`"${sequence}"`)
    } catch {
      throw new FaultyText(at - sequence.length)
    }
    this.#length++
    this.#decode(character)
  }

  #take(bytes: Uint8Array, from: number, to: number): void {
    if (from === to) return
    this.#length += to - from
    if (this.#isBase64) {
      this.#decode(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1'))
    }
    // What is base64 has no control characters.
    if (!this.#isBase64) {
      for (let i = from; i < to; i++) if (bytes[i]! < 0x20) throw new FaultyText(i)
    }
  }

  #decode(characters: string): void {
    if (!this.#isBase64) return
    const text = this.#rest + characters
    const whole = text.length - (text.length % 4)
    this.#rest = text.slice(whole)
    const fours = text.slice(0, whole)
    const padding = fours.endsWith('==') ? 2 : fours.endsWith('=') ? 1 : 0
    // Nothing comes after padding.
    if (this.#isPadded || !this.#push(fours, (whole / 4) * 3 - padding)) this.#isBase64 = false
    if (padding > 0) this.#isPadded = true
  }

  #push(fours: string, length: number): boolean {
    try {
      const bytes = Uint8Array.fromBase64(fours, { lastChunkHandling: 'strict' })
      // It would leave out whitespace.
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
}
