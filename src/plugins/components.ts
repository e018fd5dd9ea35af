import type * as z from 'zod'

type Schema = z.core.JSONSchema.BaseSchema
type Io = 'input' | 'output'

/**
 * Turns JSON schemas into those of the OpenAPI document. A schema with a title becomes a component of that name.
 * Keywords that stop or mislead generators of clients are replaced.
 */
export interface Components {
  readonly schemas: ReadonlyMap<string, Schema>
  /** The schema as the document has it, in a request (`input`) or an answer (`output`). */
  publish(schema: Schema, io: Io): Schema
}

const MAX_INT32 = 2 ** 31 - 1

/** The format of a number. Without one, Go and C# generate float32, and Java a 32-bit integer. */
function formatOf({ type, minimum = -Infinity, maximum = Infinity }: Schema): object {
  if (type === 'number') return { format: 'double' }
  const isShort = minimum >= -MAX_INT32 && maximum <= MAX_INT32
  return { format: isShort ? 'int32' : 'int64' }
}

/**
 * Moves the default into the description. With the keyword `default`, TypeScript clients would require the field, and
 * Python clients would always send it.
 */
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

  /** Makes an optional list nullable. Otherwise a Java client sends an empty list instead of omitting it, which means something else. */
  function orNull(schema: Schema): Schema {
    const { description, ...list } = schema
    return { ...(description !== undefined && { description }), anyOf: [list, { type: 'null' }] }
  }

  function publishAll({ properties, required = [] }: Schema, io: Io) {
    const published = Object.entries(properties as Record<string, Schema>).map(([name, one]) => {
      const isOwn = one.type === 'array' && !required.includes(name) && one.default === undefined
      const schema = publish(one, io)
      return [name, isOwn && io === 'input' ? orNull(schema) : schema]
    })
    return Object.fromEntries(published) as Record<string, Schema>
  }

  /** The schema without title, description and default. */
  function body({ $schema, title, description, default: _, ...schema }: Schema, io: Io): Schema {
    const { type, const: only, enum: choices } = schema
    if (only !== undefined) {
      const { const: _, ...others } = schema
      return body({ ...others, type: typeof only as 'string', enum: [only as string] }, io)
    }
    if (Array.isArray(type)) {
      const { type: _, ...others } = schema
      const [first, ...rest] = type.map((one) => ({ type: one }))
      return body({ anyOf: [{ ...others, ...first }, ...rest] }, io)
    }
    if (type === 'number' && choices?.every(Number.isInteger)) {
      return body({ ...schema, type: 'integer' }, io)
    }
    const { properties, items, additionalProperties, anyOf, propertyNames, ...others } = schema
    return {
      ...others,
      ...((type === 'number' || type === 'integer') && formatOf(schema)),
      ...(others.contentEncoding === 'base64' && { format: 'byte' }),
      ...(properties && { properties: publishAll(schema, io) }),
      ...(items !== undefined && { items: publish(items as Schema, io) }),
      ...(anyOf && { anyOf: anyOf.map((one) => publish(one as Schema, io)) }),
      ...(propertyNames !== undefined &&
        !isEveryString(propertyNames as Schema) && { propertyNames }),
      ...(additionalProperties !== undefined && {
        additionalProperties:
          typeof additionalProperties === 'object'
            ? publish(additionalProperties as Schema, io)
            : additionalProperties,
      }),
    } as Schema
  }

  function publish(schema: Schema, io: Io): Schema {
    const { title } = schema
    const described = describe(schema)
    if (title === undefined) return { ...described, ...body(schema, io) }
    // The component of an object has a description too. Other values are described only where they are used.
    const component = { ...(schema.type === 'object' && described), ...body(schema, io) }
    const known = schemas.get(title)
    if (known && JSON.stringify(known) !== JSON.stringify(component)) {
      throw new Error(`There are two schemas with the title ${title}`)
    }
    schemas.set(title, component)
    return { ...described, $ref: `#/components/schemas/${title}` }
  }

  return { schemas, publish }
}
