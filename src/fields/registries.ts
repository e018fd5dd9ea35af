import * as z from 'zod'
import type { Path } from './parsed.ts'

/** What fields declare beside their schemas. */

export interface Misfit {
  path: Path
  detail: string
  /** TOKEN_ID_OUT_OF_RANGE by default. */
  code?: 'VOCABULARY_MISMATCH'
}

/** Finds the first value of a field that does not fit a vocabulary of this size. */
export const vocabularyChecks = z.registry<{
  misfit(value: unknown, vocabSize: number): Misfit | undefined
}>()

/** The largest number of lists within a field. More are a mistake, and a short list takes more memory than its items. */
export const MAX_SEQUENCES = 65_536

/** Fields that may have a value for each row, and how to split them. */
export const perRow = z.registry<{ split(value: unknown, rows: number): unknown[] }>()

/** Splits a list into one item for each row. A single value is for all rows. */
export function listOrSame(value: unknown, rows: number): unknown[] {
  return Array.isArray(value) ? value : new Array<unknown>(rows).fill(value)
}
