import * as z from 'zod'
import type { Path } from './parsed.ts'

/** What is known of a field beside its schema. */

export interface Misfit {
  path: Path
  detail: string
  /** Where it is no token id that is wrong. */
  code?: 'VOCABULARY_MISMATCH'
}

/** How a field tells the first of its values that a vocabulary of this size does not have. */
export const vocabularyChecks = z.registry<{
  misfit(value: unknown, vocabSize: number): Misfit | undefined
}>()

/** More lists than this are a mistake, and each takes more room than what is in it. */
export const MAX_SEQUENCES = 65_536

/** Fields that a batch gives as one value for each row, and a row as its own. */
export const perRow = z.registry<{ split(value: unknown, rows: number): unknown[] }>()

/** A list with an item for each row, or one value that all rows share. */
export function listOrSame(value: unknown, rows: number): unknown[] {
  return Array.isArray(value) ? value : new Array<unknown>(rows).fill(value)
}
