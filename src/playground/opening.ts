import type { Row, Vocabulary } from './types.ts'

/** The contents of opening.json: the first row of the tale, so that the page need not wait for its model. */
export interface OpeningFile {
  readonly beginning: string
  readonly prompt_token_ids: readonly number[]
  readonly words: readonly string[]
  /** float32, in base64. */
  readonly logits: string
}

export interface Opening {
  readonly beginning: string
  readonly promptIds: readonly number[]
  readonly vocabulary: Vocabulary
  readonly row: Row
}

export function readOpening(file: OpeningFile): Opening {
  return {
    beginning: file.beginning,
    promptIds: file.prompt_token_ids,
    vocabulary: { name: 'the tale model', words: file.words },
    row: {
      name: 'A row of the tale',
      logits: new Float32Array(Uint8Array.fromBase64(file.logits).buffer),
    },
  }
}
