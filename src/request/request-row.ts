import type { BatchLimits } from '../fields/batch.ts'
import type { Report, RowRequest } from '../sampling/sample.ts'
import type { AnswerForm } from './operations.ts'

export interface RowOptions extends BatchLimits {
  /** Most steps that the rows of a request may take together. */
  readonly maxWork: number
  /** Asked at most once for a request, and only if a row has no seed. */
  drawSeed: () => bigint
}

/** What a row reports, given how its answer is to be written. */
export type ReportOf = (answer: AnswerForm, vocabSize: number) => Report

/** A row to work on, and how to answer it. */
export interface RequestRow extends RowRequest {
  readonly vocabSize: number
  readonly answer: AnswerForm
  /** Where a field that holds for the row is in the request. */
  fieldPathOf(name: string): readonly PropertyKey[]
}
