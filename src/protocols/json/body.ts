import { Problem } from '../../errors.ts'
import type { Hold } from '../steps.ts'
import { JsonReader, MAX_KEPT } from './reader.ts'

/** Bodies of up to this many bytes go to JSON.parse, which is faster for them and takes well under a millisecond. */
const SMALL = 8192

/** The byte order mark that some editors and shells write before UTF-8. */
const MARK = Buffer.from('\u{feff}')

/** The beginning of UTF-16 and UTF-32: a byte order mark, or a bracket with zero bytes beside it. */
const WIDE = /^(?:\xff\xfe|\xfe\xff|\0\0\xfe\xff|[[{]\0|\0[[{]|\0\0\0[[{])/

/** The number of bytes that `WIDE` looks at. */
const HEAD = 4

/** The head of a body without its byte order mark. Throws if the body is UTF-16 or UTF-32. */
function withoutMark(head: Uint8Array): Uint8Array {
  if (WIDE.test(Buffer.from(head.subarray(0, HEAD)).toString('latin1'))) {
    throw new Problem('INVALID_JSON', 'The body is UTF-16 or UTF-32; send JSON in UTF-8')
  }
  return MARK.equals(head.subarray(0, MARK.length)) ? head.subarray(MARK.length) : head
}

function toText(chunks: readonly Uint8Array[]): string {
  const whole = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  return Buffer.from(whole.buffer, whole.byteOffset, whole.length).toString()
}

/** Reads a JSON body: a small one is parsed at its end, a larger one as it arrives. */
export class JsonBody {
  #small: Uint8Array[] | undefined = []
  #length = 0
  readonly #limit: number
  #reader: JsonReader | undefined
  readonly #hold: Hold
  /** The memory of the values beyond the length of the body, in bytes, as last reported to `hold`. */
  #held = 0

  /** `limit` is the longest body in bytes. The values may take the same number of bytes in memory, or `MAX_KEPT` if that is more. */
  constructor(limit = MAX_KEPT, hold: Hold = () => {}) {
    this.#limit = Math.max(limit, MAX_KEPT)
    this.#hold = hold
  }

  /** Returns true if the body keeps no reference to the chunk. */
  push(chunk: Uint8Array): boolean {
    this.#length += chunk.length
    if (this.#small && this.#length <= SMALL) {
      this.#small.push(chunk)
      return false
    }
    this.#reader?.push(chunk)
    const reader = this.#reader ?? this.#begin([...this.#small!, chunk])
    const excess = Math.max(this.#held, reader.kept - this.#length)
    this.#hold(excess - this.#held)
    this.#held = excess
    return true
  }

  /** Begins to parse, with the first bytes. */
  #begin(chunks: readonly Uint8Array[]): JsonReader {
    const reader = new JsonReader(this.#limit)
    this.#small = undefined
    this.#reader = reader
    const isSplit = chunks.length > 0 && chunks[0]!.length < HEAD
    const [head = new Uint8Array(0), ...others] = isSplit ? [Buffer.concat(chunks)] : chunks
    reader.push(withoutMark(head))
    for (const chunk of others) reader.push(chunk)
    return reader
  }

  /** Frees the values. Call this after their last use. */
  release(): void {
    this.#reader?.release()
  }

  /** Whether the value is complete, so that only white space may follow. */
  get isComplete(): boolean {
    return this.#reader?.isComplete ?? false
  }

  end(): unknown {
    if (this.#small) {
      try {
        return JSON.parse(toText(this.#small))
      } catch {
        // The reader finds the fault again and reports its place.
      }
    }
    const reader = this.#reader ?? this.#begin(this.#small!)
    return reader.end()
  }
}
