import * as z from 'zod'
import { problemAt } from '../../errors.ts'
import { shapeField } from '../../fields/tensor.ts'
import { checkAnswer } from '../../request/limits.ts'
import type { Operation, SamplingRequest } from '../../request/operations.ts'
import type { Parameter } from '../../request/parameters.ts'
import { type Query, type QueryNames, queryNames, readQuery } from '../../request/query.ts'
import type { RequestRow } from '../../request/request-row.ts'
import { validate } from '../../request/validate.ts'
import { denseProbabilities } from '../../sampling/distribution.ts'
import type { RowResult } from '../../sampling/sample.ts'
import { type Dtype, dtypes } from '../../tensors/elements.ts'
import type { Warning } from '../../warning.ts'
import type { Hold, Steps } from '../steps.ts'
import { TensorBody } from '../tensor-body.ts'

/** Requests whose body is the tensor of logits and nothing else; what else there is to say is in the query. */

const tensorFields = {
  dtype: z
    .enum(dtypes)
    .meta({ title: 'Dtype', description: 'Element type of the body, little-endian.' })
    .default('float32'),
  shape: shapeField(
    'Vocabulary size, or rows and vocabulary size; the body is row-major. Absent: the body is one row.',
  ).optional(),
}

const tensorParameters: Readonly<Record<keyof typeof tensorFields, Parameter>> = {
  dtype: { kind: 'text', isList: false },
  shape: { kind: 'number', isList: true },
}

/** What a query says beside a body in JSON, where the logits have type and shape of their own. */
export function jsonQueryNames(operation: Operation): QueryNames {
  const { parameters, refused } = queryNames(operation)
  const why = 'describes a body of bytes (application/octet-stream); in JSON, logits says it'
  const others = Object.keys(tensorFields).map((name) => [name, `${name} ${why}`] as const)
  return { parameters, refused: new Map([...refused, ...others]) }
}

/** What the query of an operation says where the body is the tensor. */
export function tensorQuery(operation: Operation) {
  const { Fields } = operation
  const { parameters, refused } = queryNames(operation)
  const kinds = [...parameters].map(([name, { kind }]) => ({ name, isObject: kind === 'object' }))
  const mask = Object.fromEntries(kinds.map(({ name }) => [name, true]))
  const objects = kinds
    .filter(({ isObject }) => isObject)
    .map(({ name }) => [name, asText(Fields, name)])
  const names = {
    parameters: new Map([...Object.entries(tensorParameters), ...parameters]),
    refused,
  }
  /** For the documentation. */
  const schema = Fields.pick(mask as never)
    .extend({ ...Object.fromEntries(objects), ...tensorFields })
    .strict()
  // What a query cannot say is as it is when nothing is said.
  const Whole = Fields.extend(tensorFields).strict()

  function parse(query: Query) {
    return validate(Whole, readQuery(query, names) ?? {}) as unknown as TensorQuery
  }
  return { schema, parse }
}

/** How the documentation has a field that is an object. */
function asText({ shape }: z.ZodObject, name: string) {
  const { description } = (shape[name] as z.ZodType).meta() ?? {}
  const text = { description: `${description} As JSON text.`, contentMediaType: 'application/json' }
  return z.string().meta(text).optional()
}

interface TensorQuery {
  dtype: Dtype
  shape?: number[]
}

/** Takes the body in, and makes the request of it. `length` is what it is said to be, if anything. */
export function openTensor(query: TensorQuery, length: number | undefined) {
  const tensor = new TensorBody(query.dtype, query.shape, length, (message) => {
    throw problemAt('INVALID_REQUEST', ['logits'], message)
  })
  return {
    push: (piece: Uint8Array) => tensor.push(piece),
    end: () => Object.assign(query, { logits: tensor.finish() }) as unknown as SamplingRequest,
    release: () => tensor.release(),
  }
}

interface TensorAnswer {
  readonly shape: readonly number[]
  /** In bytes. */
  readonly length: number
  readonly warnings: string | undefined
  readonly parts: Steps
}

/** The distributions of all rows as a float32 tensor. They wait for the last row, as its warnings go into a header. */
export function* encodeTensor(
  rows: readonly RequestRow[],
  results: Iterable<RowResult | undefined>,
  hold: Hold,
): Steps<TensorAnswer> {
  const { vocabSize } = rows[0]!
  checkAnswer(rows, () => [{ name: 'logits', amount: vocabSize }])
  const written: Uint8Array[] = []
  const warnings: RowWarning[] = []
  for (const result of results) {
    if (!result) {
      yield undefined
      continue
    }
    const index = written.length
    const dense = denseProbabilities(result.row, new Float32Array(vocabSize))
    hold(dense.byteLength)
    written.push(new Uint8Array(dense.buffer))
    const own = [...result.warnings, ...leftOut(result, rows[index]!)]
    for (const warning of own) warnings.push({ ...warning, row: index })
    yield undefined
  }
  const shape = [rows.length, vocabSize]
  const length = rows.length * vocabSize * 4
  return { shape, length, warnings: toHeader(warnings), parts: partsOf(written) }
}

function* partsOf(written: readonly Uint8Array[]): Steps {
  yield* written
}

interface RowWarning extends Warning {
  row: number
}

/** What has no place in a tensor of probabilities. */
const reports = ['top', 'scored', 'trace', 'watched'] as const

const RELATIVE: Warning = {
  code: 'PROBABILITIES_RELATIVE',
  message: 'probabilities are relative to the tokens given; accept application/json for given_mass',
}

/** What was asked for that a tensor does not have. */
function leftOut(result: RowResult, { answer }: RequestRow): Warning[] {
  const { return_probabilities: returned, encoding } = answer
  const absent = reports.filter((name) => result[name] !== undefined)
  const idle = [
    ...(returned === 'all' ? [] : [`return_probabilities ${returned}`]),
    ...(encoding === 'json' ? [] : [`encoding ${encoding}`]),
  ]
  return [
    ...(result.normalization === 'candidates' ? [RELATIVE] : []),
    ...absent.map((name) => ({
      code: 'OUTPUT_LEFT_OUT',
      message: `a tensor has no place for ${name}; accept application/json`,
    })),
    ...idle.map((field) => ({
      code: 'PARAMETER_WITHOUT_EFFECT',
      message: `${field} has no effect: a tensor has all probabilities`,
    })),
  ]
}

/** Proxies take heads of some kilobytes. */
const MOST_WARNED = 4096

/** Warnings as a header can have them: JSON in ASCII, of which the last item counts those that are too many. */
function toHeader(warnings: readonly RowWarning[]): string | undefined {
  if (warnings.length === 0) return undefined
  const written: string[] = []
  let length = 0
  for (const warning of warnings) {
    const text = toAscii(JSON.stringify(warning))
    length += text.length + 1
    if (length > MOST_WARNED) break
    written.push(text)
  }
  const rest = warnings.length - written.length
  if (rest > 0) {
    const message = `${rest} more warnings; accept application/json for all`
    written.push(JSON.stringify({ code: 'WARNINGS_LEFT_OUT', message }))
  }
  return `[${written.join()}]`
}

const toAscii = (json: string) =>
  json.replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
