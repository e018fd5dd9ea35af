/** Bytes in the pieces in which they arrived. */
export interface Bytes {
  readonly pieces: readonly Uint8Array[]
  readonly length: number
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
