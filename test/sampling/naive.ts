import { gaussian, realisticRow, seeded } from './rows.ts'

const rankings = new WeakMap<Float32Array, number[]>()

/** The ids in play by rank, cached by row. */
function rankingOf(logits: Float32Array): number[] {
  let ranking = rankings.get(logits)
  if (!ranking) {
    const inPlay = [...logits.keys()].filter((id) => logits[id]! > Number.NEGATIVE_INFINITY)
    ranking = inPlay.sort((a, b) => logits[b]! - logits[a]! || a - b)
    rankings.set(logits, ranking)
  }
  return ranking.slice()
}

/** Probabilities in float64, by the definition, and the ids in play by rank. */
export function softmax(logits: Float32Array, temperature = 1) {
  const max = logits.reduce((a, b) => Math.max(a, b))
  const weights = Array.from(logits, (logit) => Math.exp((logit - max) / temperature))
  const total = weights.reduce((a, b) => a + b)
  const p = weights.map((weight) => weight / total)
  const entropy = p.reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0)
  return { p, entropy, ranking: rankingOf(logits), max, total }
}

export const ascending = (ids: readonly number[]) => [...Uint32Array.from(ids).sort()]

/** Rows long enough to be dense: typical of models, flat, spread out, with many ties, half masked. */
export const longRows: Record<string, Float32Array> = {
  realistic: realisticRow(5000, seeded(1)),
  'realistic too': realisticRow(6000, seeded(2)),
  flat: Float32Array.from({ length: 5000 }, scaled(seeded(3), 0.5)),
  spread: Float32Array.from({ length: 5000 }, scaled(seeded(4), 20)),
  tied: Float32Array.from({ length: 5000 }, scaled(seeded(5), 2)).map((x) => Math.round(x * 4) / 4),
  uniform: new Float32Array(5000).fill(-3),
  masked: realisticRow(5000, seeded(6)).map((x, id) => (id % 2 ? Number.NEGATIVE_INFINITY : x)),
}

function scaled(random: () => number, scale: number) {
  return () => scale * gaussian(random)
}

/** The row, padded with masked entries so that it is dense. */
export function padded(logits: Float32Array, padding = Number.NEGATIVE_INFINITY): Float32Array {
  const row = new Float32Array(4200).fill(padding)
  row.set(logits)
  return row
}
