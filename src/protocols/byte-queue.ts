import type { Bytes } from '../tensors/bytes.ts'

/** Smaller pieces are copied into a shared buffer, because an object for each would take more memory than the piece. */
const SMALL = 8192
const LARGEST_ROOM = 65_536

/** Frees the memory of an array at once if the array is its whole buffer. A buffer that other arrays may share stays. */
export function free({ buffer, byteLength }: Uint8Array): void {
  const isWhole = byteLength > 0 && buffer.byteLength === byteLength
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/**
 * Keeps bytes as they arrive. Small pieces are copied together, so that a body that arrives byte by byte
 * takes no more memory than one that arrives in large pieces.
 */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = []
  #room = new Uint8Array(0)
  #used = 0
  length = 0

  /** Returns true if the bytes were copied, and false if the queue keeps them. */
  push(bytes: Uint8Array): boolean {
    this.length += bytes.length
    if (bytes.length >= SMALL) {
      this.#close()
      this.#pieces.push(bytes)
      return false
    }
    if (this.#used + bytes.length > this.#room.length) {
      this.#close()
      this.#room = new Uint8Array(Math.max(bytes.length, Math.min(this.length, LARGEST_ROOM)))
    }
    this.#room.set(bytes, this.#used)
    this.#used += bytes.length
    return true
  }

  #close(): void {
    if (this.#used > 0) this.#pieces.push(this.#room.subarray(0, this.#used))
    this.#room = this.#room.subarray(this.#used)
    this.#used = 0
  }

  finish(): Bytes {
    this.#close()
    return { pieces: this.#pieces, length: this.length }
  }

  /** Frees the bytes. Call this after their last use: the garbage collector frees them too late when requests are many. */
  release(): void {
    for (const piece of this.#pieces) free(piece)
  }
}
