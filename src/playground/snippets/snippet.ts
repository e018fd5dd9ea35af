import type { Fields } from '../types.ts'

/** A request to write as code. */
interface Call {
  /** Of the server, without a path. */
  readonly origin: string
  readonly fields: Fields
  /** The logits as JSON; absent where they are too many to be read, and in a file beside the program. */
  readonly logits?: string
  readonly vocabSize: number
}

/** The file with logits too many to be read: float32, little-endian, nothing else. */
export const LOGITS_FILE = 'logits.f32'

export interface Language {
  readonly name: string
  /** What a file with it is called. */
  readonly file: string
  write(call: Call): string
}
