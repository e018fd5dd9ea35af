/** A fixed sequence of uniform numbers (Marsaglia's xorshift). */
export function seeded(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A normal number (Box and Muller 1958). */
export function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/**
 * Logits like those of models: a bulk with σ = 2, a heavy tail of 3 %, and about thirty peaks that hold 99 % of the
 * probability.
 */
export function realisticRow(vocabSize: number, random: () => number): Float32Array {
  const row = Float32Array.from(
    { length: vocabSize },
    () => 2 * gaussian(random) - (random() < 0.03 ? Math.log(1 - random()) : 0),
  )
  const top = Math.log(vocabSize) + 5.2
  for (let peak = 0; peak < 30; peak++) {
    row[Math.floor(random() * vocabSize)] = top - 0.35 * peak + gaussian(random) * 0.3
  }
  return row
}
