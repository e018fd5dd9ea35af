import * as z from 'zod'
import type { Form } from '../../fields/form.ts'
import { withoutDefault } from '../../fields/parsed.ts'
import { shapeField } from '../../fields/tensor.ts'
import type { Operation } from '../../request/operations.ts'
import { type Query, queryNames, readQuery } from '../../request/query.ts'
import { validate } from '../../request/validate.ts'
import { dtypes } from '../../tensors/elements.ts'

/** What the query says beside a body that is the tensor of logits and nothing else. */

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

const why = 'describes a body of bytes (application/octet-stream); in JSON, logits says it'

/** Why a query has no such fields beside another body. */
export const elsewhere: ReadonlyMap<string, string> = new Map(
  Object.keys(tensorFields).map((name) => [name, `${name} ${why}`]),
)

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

  return { schema, parse: (query: Query) => validate(Whole, readQuery(query, names) ?? {}) }
}

/** How the documentation has a field that is an object. */
function asText({ shape }: z.ZodObject, name: string) {
  const { description } = z.globalRegistry.get(withoutDefault(shape[name]!)) ?? {}
  const text = { description: `${description} As JSON text.`, contentMediaType: 'application/json' }
  return z.string().meta(text).optional()
}
