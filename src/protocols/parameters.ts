import * as z from 'zod'

/** The fields of a request that can be said outside JSON, and how. */

export interface Parameter {
  readonly kind: 'number' | 'boolean' | 'text' | 'bytes' | 'logits'
  readonly isList: boolean
}

type Property = z.core.JSONSchema.BaseSchema

function kindOf({ type, anyOf, contentEncoding }: Property): Parameter['kind'] | undefined {
  if (contentEncoding === 'base64') return 'bytes'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'string' || anyOf?.some((one) => (one as Property).type === 'string')) return 'text'
  return undefined
}

function parameterOf(property: Property): Parameter | undefined {
  const { type, items, anyOf } = property
  if (type === 'array') {
    const item = items as Property
    // A logit is a number or "-Infinity".
    if (item.anyOf) return { kind: 'logits', isList: true }
    const kind = kindOf(item)
    return kind && { kind, isList: true }
  }
  // A list for all rows comes before a list for each.
  const first = anyOf?.[0] as Property | undefined
  if (first?.type === 'array') return parameterOf(first)
  const kind = kindOf(property)
  return kind && { kind, isList: false }
}

/** Those of a request's fields that are one value or a list of values. */
export function parametersOf(Fields: z.ZodObject): ReadonlyMap<string, Parameter> {
  const { properties = {} } = z.toJSONSchema(Fields, { io: 'input' })
  const found = Object.entries(properties).flatMap(([name, property]): [string, Parameter][] => {
    const parameter = parameterOf(property as Property)
    return parameter ? [[name, parameter]] : []
  })
  return new Map(found)
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function toItem(text: string, kind: Parameter['kind'] | undefined): unknown {
  if (kind === 'number' && NUMBER.test(text)) return Number(text)
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/**
 * What a text says, a list having commas between its items. What does not look like its kind stays text,
 * for the schema to complain of.
 */
export function toValue(text: string, parameter: Parameter | undefined): unknown {
  if (!parameter?.isList) return toItem(text, parameter?.kind)
  return text === '' ? [] : text.split(',').map((item) => toItem(item, parameter.kind))
}
