import type { Fields } from '../types.ts'

/** A request to write as code. */
export interface Call {
  /** The origin of the server. */
  readonly origin: string
  readonly fields: Fields
  /** The logits as JSON. Omitted if they are too long to read: then the program reads them from a file. */
  readonly logits?: string
  readonly vocabSize: number
  /** Whether the server needs a key. The program takes it from `KEY_VARIABLE`. */
  readonly hasKeys: boolean
}

/** The environment variable of the key, as for the command `kelvin`. */
export const KEY_VARIABLE = 'KELVIN_API_KEY'

/** A row longer than this is not worth printing, so the program asks for no probabilities. */
const LONG = 256

/** The settings of a call as they are sent. */
export function settingsOf({ fields, vocabSize }: Call): Fields {
  return vocabSize > LONG ? { ...fields, return_probabilities: 'none' } : fields
}

/** The file for long logits: raw little-endian float32. */
export const LOGITS_FILE = 'logits.f32'

export interface Language {
  readonly name: string
  /** The name of a file with this code. */
  readonly file: string
  write(call: Call): string
}
