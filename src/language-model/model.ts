import type { Checkpoint } from './checkpoint.ts'

/** The Llama 2 architecture: computes the logits of the next token from all tokens so far. */

const EPSILON = 1e-5
const ROTATION_BASE = 10_000

function normalize(out: Float32Array, x: Float32Array, weight: Float32Array): void {
  let sum = 0
  for (const value of x) sum += value * value
  const scale = 1 / Math.sqrt(sum / x.length + EPSILON)
  for (let i = 0; i < x.length; i++) out[i] = weight[i]! * scale * x[i]!
}

/** out = weights · x. The matrix has one row for each number of `out`. */
function multiply(out: Float32Array, weights: Float32Array, x: Float32Array): void {
  const { length } = x
  for (let row = 0, at = 0; row < out.length; row++) {
    let sum = 0
    for (let i = 0; i < length; i++) sum += weights[at++]! * x[i]!
    out[row] = sum
  }
}

function add(x: Float32Array, change: Float32Array): void {
  for (let i = 0; i < x.length; i++) x[i]! += change[i]!
}

function softmax(x: Float32Array): void {
  let max = Number.NEGATIVE_INFINITY
  for (const value of x) max = Math.max(max, value)
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += x[i] = Math.exp(x[i]! - max)
  for (let i = 0; i < x.length; i++) x[i]! /= sum
}

/** Rotates pairs of numbers by an angle that grows with the position. It grows faster for the first pairs of a head. */
function rotate(x: Float32Array, headSize: number, position: number): void {
  for (let i = 0; i < x.length; i += 2) {
    const angle = position / ROTATION_BASE ** ((i % headSize) / headSize)
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
    const [a, b] = [x[i]!, x[i + 1]!]
    x[i] = a * cos - b * sin
    x[i + 1] = a * sin + b * cos
  }
}

/** What a model has computed for the tokens of one text so far. */
export interface Memory {
  readonly keys: readonly Float32Array[]
  readonly values: readonly Float32Array[]
}

export interface LanguageModel {
  newMemory(): Memory
  /**
   * Takes the tokens of a text in order, each with its position, and returns the logits of the next one. They are
   * overwritten by the next call. One can go back to an earlier position: what the memory holds beyond it is replaced.
   */
  forward(memory: Memory, token: number, position: number): Float32Array
}

export function loadModel(checkpoint: Checkpoint): LanguageModel {
  const { dim, hiddenDim, layers, heads, kvHeads, vocabSize, context } = checkpoint
  const headSize = dim / heads
  const kvDim = kvHeads * headSize
  const x = new Float32Array(dim)
  const normed = new Float32Array(dim)
  const query = new Float32Array(dim)
  const attended = new Float32Array(dim)
  const change = new Float32Array(dim)
  const gate = new Float32Array(hiddenDim)
  const up = new Float32Array(hiddenDim)
  const scores = new Float32Array(context)
  const logits = new Float32Array(vocabSize)
  const cache = () => Array.from({ length: layers }, () => new Float32Array(context * kvDim))

  function attend({ keys, values }: Memory, layer: number, position: number): void {
    const [key, value] = [keys[layer]!, values[layer]!]
    const here = position * kvDim
    multiply(query, checkpoint.query[layer]!, normed)
    multiply(key.subarray(here, here + kvDim), checkpoint.key[layer]!, normed)
    multiply(value.subarray(here, here + kvDim), checkpoint.value[layer]!, normed)
    rotate(query, headSize, position)
    rotate(key.subarray(here, here + kvDim), headSize, position)
    attended.fill(0)
    const weights = scores.subarray(0, position + 1)
    for (let head = 0; head < heads; head++) {
      const from = head * headSize
      const shared = Math.floor((head * kvHeads) / heads) * headSize
      for (let t = 0; t <= position; t++) {
        let sum = 0
        for (let i = 0; i < headSize; i++) sum += query[from + i]! * key[t * kvDim + shared + i]!
        weights[t] = sum / Math.sqrt(headSize)
      }
      softmax(weights)
      for (let t = 0; t <= position; t++) {
        for (let i = 0; i < headSize; i++) {
          attended[from + i]! += weights[t]! * value[t * kvDim + shared + i]!
        }
      }
    }
    multiply(change, checkpoint.output[layer]!, attended)
  }

  function feedForward(layer: number): void {
    multiply(gate, checkpoint.gate[layer]!, normed)
    multiply(up, checkpoint.up[layer]!, normed)
    for (let i = 0; i < hiddenDim; i++) gate[i]! *= up[i]! / (1 + Math.exp(-gate[i]!))
    multiply(change, checkpoint.down[layer]!, gate)
  }

  function forward(memory: Memory, token: number, position: number): Float32Array {
    x.set(checkpoint.embedding.subarray(token * dim, (token + 1) * dim))
    for (let layer = 0; layer < layers; layer++) {
      normalize(normed, x, checkpoint.attentionNorm[layer]!)
      attend(memory, layer, position)
      add(x, change)
      normalize(normed, x, checkpoint.ffnNorm[layer]!)
      feedForward(layer)
      add(x, change)
    }
    normalize(normed, x, checkpoint.finalNorm)
    multiply(logits, checkpoint.classifier, normed)
    return logits
  }

  return { newMemory: () => ({ keys: cache(), values: cache() }), forward }
}
