/**
 * Makes a buffer that every call returns again, and that grows as needed. Its contents are used before the next
 * row, so that no row allocates as much as a vocabulary.
 */
export function reusable(): (size: number) => Float64Array {
  let buffer = new Float64Array(0)
  return (size) => {
    if (size > buffer.length) buffer = new Float64Array(2 * size)
    return buffer.subarray(0, size)
  }
}
