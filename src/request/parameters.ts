import * as z from 'zod'

/** How each field of a request is said outside JSON. */

export interface Parameter {
  /**
   * An `integer` may be too large for a number. An `object` has members of its own and is JSON text, and so is
   * `json`, which may be anything, and too long for a query.
   */
  readonly kind: 'number' | 'integer' | 'boolean' | 'text' | 'bytes' | 'logits' | 'object' | 'json'
  readonly isList: boolean
}

type Property = z.core.JSONSchema.BaseSchema

function kindOf({ type, anyOf, contentEncoding }: Property): Parameter['kind'] | undefined {
  if (contentEncoding === 'base64') return 'bytes'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'string') return 'text'
  return anyOf?.some((one) => (one as Property).type === 'string') ? 'integer' : undefined
}

function parameterOf(property: Property): Parameter {
  const { type, items, anyOf, properties } = property
  if (type === 'array') {
    const item = items as Property
    // A logit is a number or "-Infinity".
    if (item.anyOf) return { kind: 'logits', isList: true }
    const kind = kindOf(item)
    return kind ? { kind, isList: true } : { kind: 'json', isList: false }
  }
  // A list for all rows comes before a list for each.
  const first = anyOf?.[0] as Property | undefined
  if (first?.type === 'array') return parameterOf(first)
  return { kind: kindOf(property) ?? (properties ? 'object' : 'json'), isList: false }
}

/** The fields of a request, by name. */
export function parametersOf(Fields: z.ZodObject): ReadonlyMap<string, Parameter> {
  const { properties = {} } = z.toJSONSchema(Fields, { io: 'input' })
  return new Map(
    Object.entries(properties).map(([name, property]) => [name, parameterOf(property as Property)]),
  )
}

/** As Python, Go, R and shells print numbers: .5, 1., 1e-05, and a plus, which is a space in a query. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+ -]?\d+)?$/

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
])

function toItem(text: string, kind: Parameter['kind'] | undefined): unknown {
  const trimmed = text.trim()
  switch (kind) {
    case 'integer':
      if (/^\d+$/.test(trimmed)) return trimmed
      return toNumber(trimmed) ?? text
    case 'number':
      return toNumber(trimmed) ?? text
    case 'logits':
      return /^-inf(inity)?$/i.test(trimmed) ? '-Infinity' : (toNumber(trimmed) ?? text)
    case 'boolean':
      return booleans.get(trimmed.toLowerCase()) ?? text
    case 'bytes':
      // What base64 has and a query takes for a space.
      return text.replaceAll(' ', '+')
    case 'object':
    case 'json':
      return fromJson(text)
    default:
      return trimmed
  }
}

function toNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text.replace(' ', '+')) : undefined
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * What a text says, a list having commas between its items. What does not look like its kind stays text,
 * for the schema to complain of.
 */
export function toValue(text: string, parameter: Parameter | undefined): unknown {
  if (!parameter?.isList) return toItem(text, parameter?.kind)
  return text === '' ? [] : text.split(',').map((item) => toItem(item, parameter.kind))
}
