/** Element types of tensors, by their names in the API. */
export type Dtype = 'float32' | 'float64' | 'float16' | 'bfloat16'

/** A Float16Array, described by its tag, because not every version of Node and its types has this class. */
type HalfArray = ArrayBufferView & { readonly [Symbol.toStringTag]: 'Float16Array' }

/** One logit for each token of the vocabulary. A Uint16Array contains bfloat16. */
export type Row = Float32Array | Float64Array | HalfArray | Uint16Array | readonly number[]

/** Logits whose array does not tell type or shape, such as float16 in a Uint16Array, or several rows in one array. */
export interface Tensor {
  dtype: Dtype
  /** [vocabulary size], or [rows, vocabulary size]. */
  shape: readonly number[]
  /** Little-endian and row-major. */
  data: ArrayBufferView
}

/** Logits in a file of the directory that Kelvin has as SHARED_MEMORY_DIR. */
export interface SharedTensor {
  dtype: Dtype
  /** [vocabulary size], or [rows, vocabulary size]. */
  shape: readonly number[]
  /** The name of the file, and the position of the first element in bytes, which is 0 if omitted. */
  shared_memory: { name: string; offset?: number }
}

/** Rows of the same vocabulary. */
export type Batch = Row | readonly Row[] | Tensor
