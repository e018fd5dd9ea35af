import type { Bytes } from '../tensors/bytes.ts'

/** A piece smaller than this is not worth an object of its own. */
const SMALL = 8192
const LARGEST_ROOM = 65_536

/** Gives memory back that nobody else has a part of. */
export function free({ buffer, byteLength }: Uint8Array): void {
  const isWhole = byteLength > 0 && buffer.byteLength === byteLength
  if (isWhole && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/**
 * Bytes as they arrive, kept as they are. Small pieces are put together, so that a body that comes byte
 * by byte takes no more room than one that does not.
 */
export class ByteQueue {
  readonly #pieces: Uint8Array[] = []
  #room = new Uint8Array(0)
  #used = 0
  length = 0

  /** Whether the bytes are done with. */
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

  /** When nothing is read of them any more: the garbage collector would find them far later than they are many. */
  release(): void {
    for (const piece of this.#pieces) free(piece)
  }
}
