/** Element types of tensors, as the wire has them. */
export type Dtype = 'float32' | 'float64' | 'float16' | 'bfloat16'

/** By its tag, because not every Node that has the array has it in its types, or at all. */
type HalfArray = ArrayBufferView & { readonly [Symbol.toStringTag]: 'Float16Array' }

/** One logit for each vocabulary entry. A Uint16Array has the words of bfloat16. */
export type Row = Float32Array | Float64Array | HalfArray | Uint16Array | readonly number[]

/** Logits in memory that are not in an array of their type: half floats as words, or rows behind each other. */
export interface Tensor {
  dtype: Dtype
  /** [vocabulary size], or [rows, vocabulary size]. */
  shape: readonly number[]
  /** Little-endian and row-major. */
  data: ArrayBufferView
}

/** Rows of the same vocabulary. */
export type Batch = Row | readonly Row[] | Tensor
