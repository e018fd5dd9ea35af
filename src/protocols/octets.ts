import * as z from 'zod'
import { problemAt } from '../errors.ts'
import { denseProbabilities } from '../sampling/distribution.ts'
import { type Dtype, dtypes } from '../sampling/elements.ts'
import type { RowResult } from '../sampling/pipeline.ts'
import { shapeField } from '../sampling/tensor.ts'
import { pace } from './pace.ts'
import { type Parameter, parametersOf, toValue } from './parameters.ts'
import type { Operation, SamplingRequest } from './request.ts'
import type { DecodedRow } from './rows.ts'
import { TensorBody } from './tensor-body.ts'
import { validate } from './validate.ts'

/** Requests whose body is the tensor of logits and nothing else; what else there is to say is in the query. */

const tensorFields = {
  dtype: z
    .enum(dtypes)
    .meta({ description: 'Element type of the body, little-endian.' })
    .default('float32'),
  shape: shapeField(
    'Vocabulary size, or rows and vocabulary size; the body is row-major. Absent: the body is one row.',
  ).optional(),
}

/** The query of an operation. */
export function querySchema({ Fields }: Operation) {
  const parameters = new Map<string, Parameter>([
    ['dtype', { kind: 'text', isList: false }],
    ['shape', { kind: 'number', isList: true }],
  ])
  for (const [name, parameter] of parametersOf(Fields)) {
    if (parameter.kind !== 'logits') parameters.set(name, parameter)
  }
  const others = [...parameters.keys()].filter((name) => name in Fields.shape)
  const mask = Object.fromEntries(others.map((name) => [name, true]))
  const Query = Fields.pick(mask as never)
    .extend(tensorFields)
    .strict()
  // What a query cannot say is as it is when nothing is said.
  const Whole = Fields.extend(tensorFields).strict()

  function parse(given: Readonly<Record<string, string | string[]>>) {
    const values = Object.entries(given).map(([name, text]) => {
      if (Array.isArray(text)) {
        throw problemAt('INVALID_REQUEST', [name], `Expected one value, got ${text.length}`)
      }
      return [name, toValue(text, parameters.get(name))]
    })
    const isKnown = values.every(([name]) => parameters.has(name as string))
    const fields = validate(isKnown ? Whole : Query, Object.fromEntries(values))
    return fields as { dtype: Dtype; shape?: number[] }
  }
  return { Query, parse }
}

export type Query = ReturnType<ReturnType<typeof querySchema>['parse']>

/** Takes the body in, and makes the request of it. `length` is what it is said to be, if anything. */
export function openTensor(query: Query, length: number | undefined) {
  const tensor = new TensorBody(query.dtype, query.shape, length, (message) => {
    throw problemAt('INVALID_REQUEST', ['logits'], message)
  })
  return {
    push: (piece: Uint8Array) => tensor.push(piece),
    end: () => Object.assign(query, { logits: tensor.finish() }) as unknown as SamplingRequest,
    release: () => tensor.release(),
  }
}

/** The distributions of all rows, as a float32 tensor. */
export async function encodeTensor(rows: readonly DecodedRow[], results: Iterable<RowResult>) {
  const { vocabSize } = rows[0]!
  const parts: Uint8Array[] = []
  for (const { row } of results) {
    const dense = denseProbabilities(row, new Float32Array(vocabSize))
    parts.push(new Uint8Array(dense.buffer))
    const turn = pace()
    if (turn) await turn
  }
  return { parts, shape: [rows.length, vocabSize] }
}
