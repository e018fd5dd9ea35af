import { JsonReader } from './reader.ts'

/** Up to so many bytes JSON.parse is faster, and holds nobody up. */
const SMALL = 8192

/** The JSON of a body: a small one is parsed at once, any other as it arrives. */
export class JsonBody {
  #small: Uint8Array[] | undefined = []
  #length = 0
  readonly #reader = new JsonReader()

  /** Whether the chunk is done with. */
  push(chunk: Uint8Array): boolean {
    this.#length += chunk.length
    if (this.#small && this.#length <= SMALL) {
      this.#small.push(chunk)
      return false
    }
    this.#readSmall()
    this.#reader.push(chunk)
    return true
  }

  #readSmall(): void {
    const small = this.#small ?? []
    this.#small = undefined
    for (const chunk of small) this.#reader.push(chunk)
  }

  end(): unknown {
    if (this.#small) {
      try {
        return JSON.parse(Buffer.concat(this.#small).toString())
      } catch {
        // The reader says what is wrong, and where.
      }
    }
    this.#readSmall()
    return this.#reader.end()
  }
}
