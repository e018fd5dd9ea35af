import * as z from 'zod'
import { withoutDefault } from './parsed.ts'

/** How a field is written outside JSON: in a query, on the command line, in a parameter of /v2, in the playground. */
export interface Form {
  /**
   * An `integer` may exceed 2^53. An `object` is written as JSON text. A `json` is any other value, written as JSON
   * text.
   */
  readonly kind: 'number' | 'integer' | 'boolean' | 'text' | 'bytes' | 'logits' | 'object' | 'json'
  readonly isList: boolean
  /** Whether it may be as long as a vocabulary. A query cannot have such a field. */
  readonly isLong?: boolean
}

/** The forms that cannot be derived from the zod schema. The functions that make such fields register them. */
export const forms = z.registry<Form>()

function kindOf(schema: z.core.$ZodType): Form['kind'] | undefined {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  if (schema instanceof z.ZodString) return 'text'
  if (schema instanceof z.ZodObject) return 'object'
  if (schema instanceof z.ZodEnum || schema instanceof z.ZodLiteral) {
    const options = schema instanceof z.ZodEnum ? schema.options : [...schema.values]
    return options.every((option) => typeof option === 'number') ? 'number' : 'text'
  }
  return undefined
}

/** The form of a field, if it has one. */
export function findForm(field: z.core.$ZodType): Form | undefined {
  const schema = withoutDefault(field)
  const declared = forms.get(schema)
  if (declared) return declared
  const kind = kindOf(schema)
  return kind && { kind, isList: false }
}

/** The form of a field; throws if it has none. */
export function formOf(field: z.core.$ZodType): Form {
  const form = findForm(field)
  if (form) return form
  throw new Error(
    `A field must register its form in \`forms\`: ${withoutDefault(field)._zod.def.type}`,
  )
}

/** The forms of the fields of an object, by name. */
export function formsOf({ shape }: z.ZodObject): ReadonlyMap<string, Form> {
  return new Map(Object.entries(shape).map(([name, field]) => [name, formOf(field)]))
}
