import type { Warning } from '../warning.ts'
import type { Elements } from './elements.ts'

/** A row of which only the most likely tokens are known. */
export interface Candidates {
  readonly vocabSize: number
  /** Ascending. */
  readonly ids: Uint32Array
  readonly values: Float32Array
  /** ln Σ e^logit over the whole vocabulary. */
  readonly logZ?: number
  /** The row itself, where all its tokens are given. */
  readonly all?: Elements
  /** What to say of the numbers given. */
  readonly warning?: Warning
}

/** A row: all its logits, or those of its most likely tokens. */
export type Logits = Elements | Candidates
