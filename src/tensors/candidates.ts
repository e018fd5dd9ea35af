import type { Warning } from '../warning.ts'
import type { Elements } from './elements.ts'

/** A sparse row: only the most likely tokens are known. */
export interface Candidates {
  readonly vocabSize: number
  /** Ascending. */
  readonly ids: Uint32Array
  readonly values: Float32Array
  /** ln Σ e^logit over the whole vocabulary. */
  readonly logZ?: number
  /** The dense row, if all tokens are given. */
  readonly all?: Elements
  /** A warning about the numbers of this row. */
  readonly warning?: Warning
}

/** A row, dense or sparse. */
export type Logits = Elements | Candidates
