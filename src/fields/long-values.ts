import type { Bytes } from '../tensors/bytes.ts'
import type { Elements } from '../tensors/elements.ts'

/** Long lists and strings of JSON, which are decoded as they arrive and never become JavaScript arrays or strings. */

/** A long list of JSON that begins with a number. */
export class NumberList {
  /** The number of items. */
  readonly length: number
  /** The numbers, up to the first item that is no number. */
  readonly elements: Elements
  /** The first item that is no number. */
  readonly fault: { readonly index: number; readonly value: unknown } | undefined

  constructor(elements: Elements, length = elements.length, fault?: NumberList['fault']) {
    this.elements = elements
    this.length = length
    this.fault = fault
  }
}

/** A long string of JSON. The string is dropped; if it is base64, its decoded bytes are kept. */
export class DecodedText {
  /** In characters. */
  readonly length: number
  readonly bytes: Bytes | undefined

  constructor(length: number, bytes: Bytes | undefined) {
    this.length = length
    this.bytes = bytes
  }
}

/** The bytes of a string in padded standard base64; undefined if it is not base64. */
export function decodeBase64(text: unknown): Bytes | undefined {
  if (text instanceof DecodedText) return text.bytes
  if (typeof text !== 'string') return undefined
  try {
    const bytes = Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' })
    return { pieces: [bytes], length: bytes.length }
  } catch {
    return undefined
  }
}
