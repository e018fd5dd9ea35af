import { log } from './kernel/index.ts'
import type { Row } from './row.ts'

/** What is read off a normalised row. Logprobs are natural logarithms. */

export function logprobAt(row: Row, index: number, max: number): number {
  return (row.logits[index]! - max) / row.temperature - row.logTotalMass
}

export function probabilities(row: Row): Float64Array {
  return row.masses.subarray(0, row.size).map((mass) => mass / row.totalMass)
}

/** −Σ p ln p, in nats. */
export function entropy(row: Row): number {
  let sum = 0
  for (let i = 0; i < row.size; i++) {
    const mass = row.masses[i]!
    if (mass > 0) sum += mass * log(mass)
  }
  // Rounding may leave a certain row a hair below zero.
  return Math.max(0, row.logTotalMass - sum / row.totalMass)
}

export interface TopTokens {
  token_ids: number[]
  probabilities: number[]
  logprobs: number[]
}

/** The first `count` tokens of the ranking. */
export function topTokens(row: Row, count: number): TopTokens {
  const { ids, logits, size } = row
  const max = row.max()
  const indices: number[] = []
  if (size > 0) {
    const cut = row.cutAt(Math.min(count, size))
    let ties = cut.ties
    for (let i = 0; i < size; i++) {
      if (logits[i]! > cut.threshold || (logits[i] === cut.threshold && ties-- > 0)) indices.push(i)
    }
    indices.sort((a, b) => logits[b]! - logits[a]! || a - b)
  }
  return {
    token_ids: indices.map((i) => ids[i]!),
    probabilities: indices.map((i) => row.masses[i]! / row.totalMass),
    logprobs: indices.map((i) => logprobAt(row, i, max)),
  }
}

export interface ScoredTokens {
  token_ids: number[]
  logprobs: (number | null)[]
  ranks: (number | null)[]
}

/** Logprob and rank (1 is the most likely) of chosen tokens; null where one is not in play. */
export function scoreTokens(row: Row, tokenIds: Uint32Array): ScoredTokens {
  const max = row.max()
  const indices = Array.from(tokenIds, (id) => row.indexOf(id))
  return {
    token_ids: [...tokenIds],
    logprobs: indices.map((i) => (i < 0 ? null : logprobAt(row, i, max))),
    ranks: indices.map((i) => (i < 0 ? null : rankAt(row, i))),
  }
}

function rankAt(row: Row, index: number): number {
  const { logits, size } = row
  const own = logits[index]!
  let rank = 1
  for (let i = 0; i < size; i++) {
    if (logits[i]! > own || (logits[i] === own && i < index)) rank++
  }
  return rank
}
