import { readFileSync } from 'node:fs'

/** A checkpoint of llama2.c: seven integers, then float32 weights. https://github.com/karpathy/llama2.c */
export interface Checkpoint {
  dim: number
  hiddenDim: number
  layers: number
  heads: number
  kvHeads: number
  vocabSize: number
  /** Largest number of tokens of a text. */
  context: number
  embedding: Float32Array
  attentionNorm: Float32Array[]
  query: Float32Array[]
  key: Float32Array[]
  value: Float32Array[]
  output: Float32Array[]
  ffnNorm: Float32Array[]
  gate: Float32Array[]
  down: Float32Array[]
  up: Float32Array[]
  finalNorm: Float32Array
  classifier: Float32Array
}

const HEADER = 28

export function readCheckpoint(path: string): Checkpoint {
  const bytes = readFileSync(path)
  const whole = new Uint8Array(bytes).buffer
  const header = new Int32Array(whole, 0, HEADER / 4)
  const [dim = 0, hiddenDim = 0, layers = 0, heads = 0, kvHeads = 0, vocab = 0, context = 0] =
    header
  // A negative size means that the classifier has its own weights.
  const vocabSize = Math.abs(vocab)
  const headSize = dim / heads
  const kvDim = kvHeads * headSize
  let at = HEADER
  const take = (count: number) => {
    const weights = new Float32Array(whole, at, count)
    at += 4 * count
    return weights
  }
  const takeEach = (count: number) => Array.from({ length: layers }, () => take(count))

  try {
    const embedding = take(vocabSize * dim)
    const weights = {
      embedding,
      attentionNorm: takeEach(dim),
      query: takeEach(dim * dim),
      key: takeEach(kvDim * dim),
      value: takeEach(kvDim * dim),
      output: takeEach(dim * dim),
      ffnNorm: takeEach(dim),
      gate: takeEach(hiddenDim * dim),
      down: takeEach(dim * hiddenDim),
      up: takeEach(hiddenDim * dim),
      finalNorm: take(dim),
    }
    // Skip the sines and cosines of positions, because model.ts computes them.
    take(context * headSize)
    const classifier = vocab > 0 ? embedding : take(vocabSize * dim)
    const sizes = { dim, hiddenDim, layers, heads, kvHeads, vocabSize, context }
    return { ...sizes, ...weights, classifier }
  } catch (cause) {
    throw new Error(`${path} is not a checkpoint of llama2.c, or is incomplete`, { cause })
  }
}
