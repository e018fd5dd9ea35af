/** Bytes in pieces, as they came. */
export interface Bytes {
  readonly pieces: readonly Uint8Array[]
  readonly length: number
}

/** A long text of JSON, of which only what it says in base64 was kept, if it does. */
export class DecodedText {
  /** In characters. */
  readonly length: number
  readonly bytes: Bytes | undefined

  constructor(length: number, bytes: Bytes | undefined) {
    this.length = length
    this.bytes = bytes
  }
}

/** The bytes of a padded standard base64 text; nothing when it is not one. */
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

/** The bytes of numbers, without a copy. */
export function bytesOf({
  buffer,
  byteOffset,
  byteLength,
}: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** In one piece, of its own. */
export function joinBytes({ pieces, length }: Bytes): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
