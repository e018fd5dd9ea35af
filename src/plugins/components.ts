import type * as z from 'zod'

type Schema = z.core.JSONSchema.BaseSchema

/**
 * JSON schemas as the OpenAPI document has them: what has a title is a component of that name, and what
 * stops or misleads generators of clients is put in other words.
 */
export interface Components {
  readonly schemas: ReadonlyMap<string, Schema>
  /** A schema as the document refers to it. */
  publish(schema: Schema): Schema
}

const MAX_INT32 = 2 ** 31 - 1

/** How wide a number is: without a format Go and C# take float32, and Java an integer of 32 bits. */
function formatOf({ type, minimum = -Infinity, maximum = Infinity }: Schema): object {
  if (type === 'number') return { format: 'double' }
  const isShort = minimum >= -MAX_INT32 && maximum <= MAX_INT32
  return { format: isShort ? 'int32' : 'int64' }
}

/** A default in the schema makes fields required in TypeScript, and has Python send each of them. */
function describe({ description, default: fallback }: Schema): object {
  const sentences = [
    ...(description === undefined ? [] : [description]),
    ...(fallback === undefined ? [] : [`Default: ${JSON.stringify(fallback)}.`]),
  ]
  return sentences.length > 0 ? { description: sentences.join(' ') } : {}
}

const isEveryString = (schema: Schema) => JSON.stringify(schema) === '{"type":"string"}'

export function openComponents(): Components {
  const schemas = new Map<string, Schema>()

  function publishAll(properties: Readonly<Record<string, unknown>>) {
    const published = Object.entries(properties).map(([name, one]) => [
      name,
      publish(one as Schema),
    ])
    return Object.fromEntries(published) as Record<string, Schema>
  }

  /** The same without title, description and default. */
  function body({ $schema, title, description, default: _, ...schema }: Schema): Schema {
    const { type, const: only, enum: choices } = schema
    if (only !== undefined) {
      const { const: _, ...others } = schema
      return body({ ...others, type: typeof only as 'string', enum: [only as string] })
    }
    if (Array.isArray(type)) {
      const { type: _, ...others } = schema
      const [first, ...rest] = type.map((one) => ({ type: one }))
      return body({ anyOf: [{ ...others, ...first }, ...rest] })
    }
    if (type === 'number' && choices?.every(Number.isInteger)) {
      return body({ ...schema, type: 'integer' })
    }
    const { properties, items, additionalProperties, anyOf, propertyNames, ...others } = schema
    return {
      ...others,
      ...((type === 'number' || type === 'integer') && formatOf(schema)),
      ...(others.contentEncoding === 'base64' && { format: 'byte' }),
      ...(properties && { properties: publishAll(properties as Record<string, unknown>) }),
      ...(items !== undefined && { items: publish(items as Schema) }),
      ...(anyOf && { anyOf: anyOf.map((one) => publish(one as Schema)) }),
      ...(propertyNames !== undefined &&
        !isEveryString(propertyNames as Schema) && { propertyNames }),
      ...(additionalProperties !== undefined && {
        additionalProperties:
          typeof additionalProperties === 'object'
            ? publish(additionalProperties as Schema)
            : additionalProperties,
      }),
    } as Schema
  }

  function publish(schema: Schema): Schema {
    const { title } = schema
    const described = describe(schema)
    if (title === undefined) return { ...described, ...body(schema) }
    // What an object is, is said of itself, too; what another value means, only where it is used.
    const component = { ...(schema.type === 'object' && described), ...body(schema) }
    const known = schemas.get(title)
    if (known && JSON.stringify(known) !== JSON.stringify(component)) {
      throw new Error(`There are two schemas with the title ${title}`)
    }
    schemas.set(title, component)
    return { ...described, $ref: `#/components/schemas/${title}` }
  }

  return { schemas, publish }
}
