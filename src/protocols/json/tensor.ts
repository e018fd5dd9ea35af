/** Float32 values as a tensor object. */
export function encodeTensor(values: Float32Array, shape: number[]) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return { dtype: 'float32', shape, data: bytes.toBase64() }
}
