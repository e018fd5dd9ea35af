import type { BatchLimits } from '../fields/batch.ts'
import type { Report, RowRequest } from '../sampling/sample.ts'
import type { AnswerForm } from './operations.ts'

export interface RowOptions extends BatchLimits {
  /** The largest number of steps that all rows of a request may take together. */
  readonly maxWork: number
  /** Makes a random seed. Called at most once for a request, and only if a row has no seed. */
  drawSeed: () => bigint
}

/** The reports that the answer needs from a row. */
export type ReportOf = (answer: AnswerForm, vocabSize: number) => Report

/** A row to sample, and the form of its answer. */
export interface RequestRow extends RowRequest {
  readonly vocabSize: number
  readonly answer: AnswerForm
  /** The path in the request of the field that applies to this row. */
  fieldPathOf(name: string): readonly PropertyKey[]
}
