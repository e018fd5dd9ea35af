import type { Preset } from './model.ts'
import type { Fields } from './types.ts'

/** The contents of presets.json: rows of a real model and one made by hand, with the words of their tokens. */
export interface PresetFile {
  /** The state of the page at its start. */
  readonly first: { row: string; fields: Fields }
  readonly vocabularies: Readonly<Record<string, readonly string[]>>
  readonly rows: readonly (Fields & {
    id: string
    vocabulary: string
    entropy: number
    /** float32, in base64. */
    logits: string
  })[]
}

export function readPresets({ vocabularies, rows }: Omit<PresetFile, 'first'>): Preset[] {
  const words = Object.fromEntries(
    Object.entries(vocabularies).map(([name, list]) => [name, { name, words: list }]),
  )
  return rows.map(({ id, vocabulary, entropy, logits, ...context }) => ({
    id,
    vocabulary: words[vocabulary]!,
    entropy,
    row: { preset: id, name: id, logits: new Float32Array(Uint8Array.fromBase64(logits).buffer) },
    context,
  }))
}
