import type { Fields } from '../types.ts'

/** A request to write as code. */
export interface Call {
  /** The origin of the server. */
  readonly origin: string
  readonly fields: Fields
  /** The logits as JSON. Omitted if they are too long to read: then the program reads them from a file. */
  readonly logits?: string
  readonly vocabSize: number
}

/** The file for long logits: raw little-endian float32. */
export const LOGITS_FILE = 'logits.f32'

export interface Language {
  readonly name: string
  /** The name of a file with this code. */
  readonly file: string
  write(call: Call): string
}
