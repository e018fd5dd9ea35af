import type { ProbabilitiesResult, SampleResult, Warning } from './types.ts'

/** One result for each row, in order. */
export interface Answer<Result> {
  results: Result[]
  warnings: Warning[]
}

/** Asked for with every call: half the bytes of numbers written out, and read many times faster. */
export const encoding = 'base64'

function toFloats(data: string): Float32Array {
  const bytes = Buffer.from(data, 'base64')
  // Small buffers lie anywhere in a larger one.
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** An answer whose probabilities are an array of floats where they came as a tensor. */
export function toAnswer<Result extends SampleResult | ProbabilitiesResult>(
  answer: unknown,
): Answer<Result> {
  const { results, warnings } = answer as Answer<Result>
  for (const result of results) {
    const tensor = result.probabilities as unknown as { data: string } | undefined
    if (tensor) result.probabilities = toFloats(tensor.data)
  }
  return { results, warnings }
}
