/** Bytes in the pieces in which they arrived. */
export interface Bytes {
  readonly pieces: readonly Uint8Array[]
  readonly length: number
}

/** A long text of JSON. The text is dropped; the bytes that it encodes are kept if it is base64. */
export class DecodedText {
  /** In characters. */
  readonly length: number
  readonly bytes: Bytes | undefined

  constructor(length: number, bytes: Bytes | undefined) {
    this.length = length
    this.bytes = bytes
  }
}

/** The bytes of a text in padded standard base64; undefined if it is not base64. */
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

/** A view of the bytes of numbers. */
export function bytesOf({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** Copies bytes into one new array. */
export function joinBytes({ pieces, length }: Bytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
