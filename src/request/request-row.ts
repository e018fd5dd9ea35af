import type { BatchLimits } from '../fields/batch.ts'
import type { Report, RowRequest } from '../sampling/sample.ts'
import type { Answer } from './operations.ts'

export interface RowOptions extends BatchLimits {
  /** Most steps that the rows of a request may take together. */
  readonly maxWork: number
  /** Asked at most once for a request, and only if a row has no seed. */
  drawSeed: () => bigint
}

/** What a row reports, given how its answer is to be written. */
export type ReportOf = (answer: Answer, vocabSize: number) => Report

/** A row to work on, and how to answer it. */
export interface RequestRow extends RowRequest {
  readonly vocabSize: number
  readonly answer: Answer
  /** Where a field that holds for the row is in the request. */
  fieldPathOf(name: string): readonly PropertyKey[]
}
