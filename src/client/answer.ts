import type { ProbabilitiesResult, SampleResult, Warning } from './types.ts'

/** An answer has one result for each row, in order. */
export interface Answer<Result> {
  results: Result[]
  warnings: Warning[]
}

type Reported = Readonly<Record<string, unknown>>

/** Asks for base64 if lists may be long. It takes half the bytes of decimal numbers, and is read many times faster. */
const encoded = <Params extends Reported>(params: Params) => ({
  ...params,
  encoding: params.return_probabilities === 'kept' ? 'json' : 'base64',
})

/** The parameters of a call, with the encoding of its answer. */
export function withEncoding(params: Reported & { rows?: readonly object[] }): Reported {
  const { rows } = params
  if (!rows) return encoded(params)
  // A row has the encoding of the call, unless it sets `return_probabilities` itself.
  return {
    ...encoded(params),
    rows: rows.map((row) => ('return_probabilities' in row ? encoded(row as Reported) : row)),
  }
}

function toFloats(data: string): Float32Array {
  const bytes = Buffer.from(data, 'base64')
  // A small buffer may begin at an unaligned offset, so copy it.
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
}

/** Parses an answer. Probabilities that are a tensor become a Float32Array. */
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
