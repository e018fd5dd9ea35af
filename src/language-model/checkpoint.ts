/** Checkpoints of llama2.c: the float32 format, and version 2 in 8 bits. https://github.com/karpathy/llama2.c */

export interface Sizes {
  dim: number
  hiddenDim: number
  layers: number
  heads: number
  kvHeads: number
  vocabSize: number
  /** Largest number of tokens of a text. */
  context: number
}

export interface Checkpoint extends Sizes {
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

/** A file that is no checkpoint, or not a whole one. The message is for the user. */
export class BadCheckpoint extends Error {}

/** The sizes of the matrices of one layer, in weights. */
function matrixSizes({ dim, hiddenDim, heads, kvHeads }: Sizes) {
  const kvDim = (dim / heads) * kvHeads
  return {
    query: dim * dim,
    key: kvDim * dim,
    value: kvDim * dim,
    output: dim * dim,
    gate: hiddenDim * dim,
    down: dim * hiddenDim,
    up: hiddenDim * dim,
  }
}

/** Seven integers of the header. A negative size of the vocabulary means that the classifier has its own weights. */
function readSizes(view: DataView, at: number): Sizes & { isShared: boolean } {
  const numbers = Array.from({ length: 7 }, (_, i) => view.getInt32(at + 4 * i, true))
  const [dim = 0, hiddenDim = 0, layers = 0, heads = 0, kvHeads = 0, vocab = 0, context = 0] =
    numbers
  const sizes = { dim, hiddenDim, layers, heads, kvHeads, vocabSize: Math.abs(vocab), context }
  const isPlausible =
    Object.values(sizes).every((size) => size > 0 && size < 2 ** 24) &&
    layers < 1024 &&
    dim % (2 * heads) === 0 &&
    heads % kvHeads === 0
  if (!isPlausible) throw new BadCheckpoint('This is not a checkpoint of llama2.c')
  return { ...sizes, isShared: vocab > 0 }
}

/** Takes arrays from a file, one after the other. */
class Weights {
  readonly #file: ArrayBuffer
  #at: number

  constructor(file: ArrayBuffer, at: number) {
    this.#file = file
    this.#at = at
  }

  #take(bytes: number): ArrayBuffer {
    const end = this.#at + bytes
    if (end > this.#file.byteLength) {
      const missing = end - this.#file.byteLength
      throw new BadCheckpoint(`The checkpoint is incomplete: at least ${missing} bytes are missing`)
    }
    const part = this.#file.slice(this.#at, end)
    this.#at = end
    return part
  }

  floats(count: number): Float32Array {
    return new Float32Array(this.#take(4 * count))
  }

  /** 8-bit integers, then a scale for each group of them. */
  quantized(count: number, group: number): Float32Array {
    const integers = new Int8Array(this.#take(count))
    const scales = this.floats(count / group)
    return Float32Array.from(integers, (integer, i) => integer * scales[Math.floor(i / group)]!)
  }
}

const each = <Item>(count: number, take: () => Item) => Array.from({ length: count }, take)

const FLOAT_HEADER = 28

function readFloats(file: ArrayBuffer, view: DataView): Checkpoint {
  const { isShared, ...sizes } = readSizes(view, 0)
  const { dim, layers, heads, vocabSize, context } = sizes
  const matrices = matrixSizes(sizes)
  const weights = new Weights(file, FLOAT_HEADER)
  const embedding = weights.floats(vocabSize * dim)
  const perLayer = (count: number) => each(layers, () => weights.floats(count))
  const inLayers = {
    attentionNorm: perLayer(dim),
    query: perLayer(matrices.query),
    key: perLayer(matrices.key),
    value: perLayer(matrices.value),
    output: perLayer(matrices.output),
    ffnNorm: perLayer(dim),
    gate: perLayer(matrices.gate),
    down: perLayer(matrices.down),
    up: perLayer(matrices.up),
  }
  const finalNorm = weights.floats(dim)
  // Skip the sines and cosines of positions, because model.ts computes them.
  weights.floats((context * dim) / heads)
  const classifier = isShared ? embedding : weights.floats(vocabSize * dim)
  return { ...sizes, ...inLayers, embedding, finalNorm, classifier }
}

const QUANTIZED_MAGIC = 0x616b3432
const QUANTIZED_HEADER = 256

function readQuantized(file: ArrayBuffer, view: DataView): Checkpoint {
  if (view.byteLength < QUANTIZED_HEADER || view.getInt32(4, true) !== 2) {
    throw new BadCheckpoint('Of the newer formats of llama2.c, only version 2 can be read')
  }
  const { isShared: _, ...sizes } = readSizes(view, 8)
  const { dim, layers, vocabSize } = sizes
  const isShared = view.getUint8(36) === 1
  const group = view.getInt32(37, true)
  if (group <= 0 || dim % group !== 0 || sizes.hiddenDim % group !== 0) {
    throw new BadCheckpoint('The group size of the checkpoint does not divide its matrices')
  }
  const matrices = matrixSizes(sizes)
  const weights = new Weights(file, QUANTIZED_HEADER)
  const perLayer = (count: number) => each(layers, () => weights.quantized(count, group))
  const attentionNorm = each(layers, () => weights.floats(dim))
  const ffnNorm = each(layers, () => weights.floats(dim))
  const finalNorm = weights.floats(dim)
  const embedding = weights.quantized(vocabSize * dim, group)
  const inLayers = {
    query: perLayer(matrices.query),
    key: perLayer(matrices.key),
    value: perLayer(matrices.value),
    output: perLayer(matrices.output),
    gate: perLayer(matrices.gate),
    down: perLayer(matrices.down),
    up: perLayer(matrices.up),
  }
  const classifier = isShared ? embedding : weights.quantized(vocabSize * dim, group)
  return { ...sizes, ...inLayers, attentionNorm, ffnNorm, finalNorm, embedding, classifier }
}

export function readCheckpoint(file: ArrayBuffer): Checkpoint {
  if (file.byteLength < FLOAT_HEADER) {
    throw new BadCheckpoint('This is not a checkpoint of llama2.c')
  }
  const view = new DataView(file)
  const isQuantized = view.getUint32(0, true) === QUANTIZED_MAGIC
  return isQuantized ? readQuantized(file, view) : readFloats(file, view)
}
