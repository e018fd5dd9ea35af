import type { Pausing } from '../../../src/algorithms/pausing.ts'
import { atOnce } from '../../../src/algorithms/pausing.ts'
import { layOut } from '../../../src/kernel/memory.ts'
import { Row } from '../../../src/sampling/row/row.ts'
import type { Candidates } from '../../../src/tensors/candidates.ts'
import { Elements } from '../../../src/tensors/elements.ts'

const [memory] = layOut(1, 8192)
const row = new Row(memory!)

/** As many tokens as make a dense row. */
export const DENSE = 5000

/** The same row each time, with these logits. */
export function load(logits: ArrayLike<number>): Row {
  row.load(Elements.of(Float32Array.from(logits)), false)
  return row
}

/** A sparse row: its tokens, and ln Σ e^logit of the whole row if it is known. */
export function loadSparse(vocabSize: number, logits: Record<number, number>, logZ?: number): Row {
  const candidates: Candidates = {
    vocabSize,
    ids: Uint32Array.from(Object.keys(logits), Number),
    values: Float32Array.from(Object.values(logits)),
    ...(logZ !== undefined && { logZ }),
  }
  row.load(candidates, false)
  return row
}

/** The tokens in play, ids ascending. */
export function tokensOf(row: Row): { id: number; logit: number }[] {
  row.gather()
  const { ids, logits } = row.views
  return Array.from({ length: row.survivors.count() }, (_, i) => ({
    id: ids[i]!,
    logit: logits[i]!,
  }))
}

export function idsOf(row: Row): number[] {
  return tokensOf(row).map(({ id }) => id)
}

/** Finish what was begun. */
export function done<Result>(work: Pausing<Result> | undefined): Result | undefined {
  return work && atOnce(work)
}

/** The ids of a row in the order of the ranking. */
export function ranking(logits: ArrayLike<number>): number[] {
  const ids = Array.from({ length: logits.length }, (_, id) => id)
  const inPlay = ids.filter((id) => logits[id]! > Number.NEGATIVE_INFINITY)
  return inPlay.sort((a, b) => logits[b]! - logits[a]! || a - b)
}

/** The probabilities of a row, by id, added up in the order of the ranking. */
export function softmax(logits: ArrayLike<number>, temperature = 1): number[] {
  const max = Array.from(logits).reduce((a, b) => Math.max(a, b))
  const masses = Array.from(logits, (logit) => Math.exp((logit - max) / temperature))
  const total = ranking(logits).reduce((sum, id) => sum + masses[id]!, 0)
  return masses.map((mass) => mass / total)
}

export const ascending = (ids: readonly number[]) => ids.toSorted((a, b) => a - b)
