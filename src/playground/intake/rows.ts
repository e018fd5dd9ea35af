import type { Fields } from '../types.ts'
import { Unusable } from './unusable.ts'

/** Rows of logits from the user, one of which is shown. */
export interface Given {
  readonly name: string
  readonly rows: number
  readonly vocabSize: number
  row(index: number): Promise<Float32Array>
  /** The fields of a request that come with a row. */
  fieldsOf(index: number): Fields
}

const NO_FIELDS: Fields = {}

export const noFields = () => NO_FIELDS

/** Returns a row, or throws if it contains NaN or +∞. */
export function check(logits: Float32Array): Float32Array {
  const bad = logits.findIndex((logit) => !(logit < Number.POSITIVE_INFINITY))
  if (bad >= 0) {
    const what = Number.isNaN(logits[bad]) ? 'NaN' : '+∞ as float32'
    throw new Unusable(`The number at index ${bad} is ${what}; a logit is finite or −∞`)
  }
  if (!logits.some((logit) => logit > Number.NEGATIVE_INFINITY)) {
    throw new Unusable('All logits are −∞; at least one must be finite')
  }
  return logits
}

/** Rows that are in memory. */
export function rowsOf(
  name: string,
  rows: readonly Float32Array[],
  fieldsOf: Given['fieldsOf'] = noFields,
): Given {
  const vocabSize = rows[0]?.length ?? 0
  if (vocabSize === 0) throw new Unusable('There are no numbers; give at least one logit')
  const odd = rows.findIndex((row) => row.length !== vocabSize)
  if (odd >= 0) {
    throw new Unusable(
      `Row ${odd} has ${rows[odd]!.length} numbers, and row 0 has ${vocabSize}; give rows of one length`,
    )
  }
  return {
    name,
    rows: rows.length,
    vocabSize,
    row: async (index) => check(rows[index]!),
    fieldsOf,
  }
}
