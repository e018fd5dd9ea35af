import type { ProbabilitiesResult, SampleResult, Warning } from './types.ts'

/** One result for each row, in order. */
export interface Answer<Result> {
  results: Result[]
  warnings: Warning[]
}

type Reported = Readonly<Record<string, unknown>>

/** base64 where there may be long lists: half the bytes of numbers written out, and read many times faster. */
const encoded = <Params extends Reported>(params: Params) => ({
  ...params,
  encoding: params.return_probabilities === 'kept' ? 'json' : 'base64',
})

/** The parameters of a call, with how its answer is to be written. */
export function withEncoding(params: Reported & { rows?: readonly object[] }): Reported {
  const { rows } = params
  if (!rows) return encoded(params)
  // A row has that of the call, unless its answer is another.
  return {
    ...encoded(params),
    rows: rows.map((row) => ('return_probabilities' in row ? encoded(row as Reported) : row)),
  }
}

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
