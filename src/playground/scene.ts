import type { Given } from './intake/rows.ts'
import { contextAt, type Place, type Tale } from './tale.ts'
import type { Fields, Problem, Result, Row, Vocabulary, Warning } from './types.ts'

/** A text or a row of logits, and the answer about the row that is shown. */
export interface Scene {
  readonly name: 'dial' | 'three'
  vocabulary: Vocabulary
  /** The text that the model writes. Undefined while the user's own logits are shown. */
  tale: Tale | undefined
  /** The word whose distribution is shown. */
  at: Place | undefined
  /** The rows of the file from which the row is. */
  given: { rows: Given; index: number } | undefined
  /** The row that is shown. Undefined: none is chosen. */
  row: Row | undefined
  /** Prompt, output, step and state of the row. */
  context: Fields
  /** The token whose details are shown. */
  inspected: number | undefined
  /** The newest answer, with its question. */
  answer: Answer | undefined
  problem: Problem | undefined
}

export interface Answer {
  readonly row: Row
  /** The settings of the question, without the context. */
  readonly fields: Fields
  readonly at: Place | undefined
  readonly vocabulary: Vocabulary
  readonly result: Result
  readonly warnings: readonly Warning[]
}

export function newScene(name: Scene['name'], vocabulary: Vocabulary, tale: Tale): Scene {
  return {
    name,
    vocabulary,
    tale,
    at: undefined,
    given: undefined,
    row: undefined,
    context: {},
    inspected: undefined,
    answer: undefined,
    problem: undefined,
  }
}

/** Shows the distribution of a word, if it is written. */
export function lookAt(scene: Scene, at: Place): void {
  const token = scene.tale?.columns[at.column]?.tokens[at.position]
  if (!scene.tale || !token) return
  scene.at = at
  scene.row = token.row
  scene.context = contextAt(scene.tale, at)
  scene.inspected = undefined
}

/** The word of the text at a place, if it is written. */
export function takenAt({ tale }: Scene, at: Place | undefined): number | undefined {
  if (!tale || !at) return undefined
  return tale.columns[at.column]!.tokens[at.position]?.id
}
