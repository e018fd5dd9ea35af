import * as z from 'zod'
import type { Form } from '../../fields/form.ts'
import { withoutDefault } from '../../fields/parsed.ts'
import { shapeField } from '../../fields/tensor.ts'
import type { Operation } from '../../request/operations.ts'
import { type Query, queryNames, readQuery } from '../../request/query.ts'
import { validate } from '../../request/validate.ts'
import { dtypes } from '../../tensors/dtypes.ts'

/** The query of a request whose body is a tensor. */

const tensorFields = {
  dtype: z
    .enum(dtypes)
    .meta({ title: 'Dtype', description: 'Element type of the body, little-endian.' })
    .default('float32'),
  shape: shapeField(
    'Vocabulary size, or number of rows and vocabulary size. The body is row-major. Omitted: the body is one row.',
  ).optional(),
}

const tensorParameters: Readonly<Record<keyof typeof tensorFields, Form>> = {
  dtype: { kind: 'text', isList: false },
  shape: { kind: 'number', isList: true },
}

const why = 'describes a body of application/octet-stream; in JSON, put it into the object logits'

/** The fields that only a tensor body has, and why the query of a JSON body refuses them. */
export const elsewhere: ReadonlyMap<string, string> = new Map(
  Object.keys(tensorFields).map((name) => [name, `${name} ${why}`]),
)

/** The query of an operation whose body is a tensor: its schema, and how to read it. */
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
  /** The schema of the query, for the documentation. */
  const schema = Fields.pick(mask as never)
    .extend({ ...Object.fromEntries(objects), ...tensorFields })
    .strict()
  // Fields that a query cannot have take their defaults.
  const Whole = Fields.extend(tensorFields).strict()

  return { schema, parse: (query: Query) => validate(Whole, readQuery(query, names) ?? {}) }
}

export type TensorQuery = ReturnType<typeof tensorQuery>

/** The schema, for the documentation, of an object field that a query has as JSON text. */
function asText({ shape }: z.ZodObject, name: string) {
  const { description } = z.globalRegistry.get(withoutDefault(shape[name]!)) ?? {}
  const text = { description: `${description} As JSON text.`, contentMediaType: 'application/json' }
  return z.string().meta(text).optional()
}
