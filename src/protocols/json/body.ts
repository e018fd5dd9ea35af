import { Problem } from '../../errors.ts'
import type { Hold } from '../steps.ts'
import { JsonReader, MAX_KEPT } from './reader.ts'

/** Up to so many bytes JSON.parse is faster, and holds nobody up. */
const SMALL = 8192

/** What some editors and shells write before UTF-8. */
const MARK = Buffer.from('\u{feff}')

/** How UTF-16 and UTF-32 begin: with their marks, or with a bracket that has zeros beside it. */
const WIDE = /^(?:\xff\xfe|\xfe\xff|\0\0\xfe\xff|[[{]\0|\0[[{]|\0\0\0[[{])/

/** As many bytes as it takes to tell. */
const HEAD = 4

/** The beginning of a text without its mark. */
function withoutMark(head: Uint8Array): Uint8Array {
  if (WIDE.test(Buffer.from(head.subarray(0, HEAD)).toString('latin1'))) {
    throw new Problem('INVALID_JSON', 'The body is UTF-16 or UTF-32; send JSON in UTF-8')
  }
  return MARK.equals(head.subarray(0, MARK.length)) ? head.subarray(MARK.length) : head
}

/** The JSON of a body: a small one is parsed at once, any other as it arrives. */
export class JsonBody {
  #small: Uint8Array[] | undefined = []
  #length = 0
  readonly #reader: JsonReader
  readonly #hold: Hold
  /** What the values take beyond what has come, as far as it is said. */
  #held = 0

  /** `limit` is the longest body; what it takes in memory is held to as much, unless that is little. */
  constructor(limit = MAX_KEPT, hold: Hold = () => {}) {
    this.#reader = new JsonReader(Math.max(limit, MAX_KEPT))
    this.#hold = hold
  }

  /** Whether the chunk is done with. */
  push(chunk: Uint8Array): boolean {
    this.#length += chunk.length
    if (this.#small && this.#length <= SMALL) {
      this.#small.push(chunk)
      return false
    }
    if (this.#small) this.#begin([...this.#small, chunk])
    else this.#reader.push(chunk)
    const excess = Math.max(this.#held, this.#reader.kept - this.#length)
    this.#hold(excess - this.#held)
    this.#held = excess
    return true
  }

  #begin(chunks: readonly Uint8Array[]): void {
    this.#small = undefined
    const isApart = chunks.length > 0 && chunks[0]!.length < HEAD
    const [head = new Uint8Array(0), ...others] = isApart ? [Buffer.concat(chunks)] : chunks
    this.#reader.push(withoutMark(head))
    for (const chunk of others) this.#reader.push(chunk)
  }

  /** When nothing is read of it any more. */
  release(): void {
    this.#reader.release()
  }

  /** Whether the text had its value, and anything else would be too much. */
  get isComplete(): boolean {
    return this.#reader.isComplete
  }

  end(): unknown {
    if (this.#small) {
      try {
        return JSON.parse(Buffer.concat(this.#small).toString())
      } catch {
        // The reader says what is wrong, and where.
      }
      this.#begin(this.#small)
    }
    return this.#reader.end()
  }
}
