import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema } from 'fastify'
import * as z from 'zod'
import { problems } from '../errors.ts'
import { validate } from '../protocols/validate.ts'
import { ProblemDocument } from './problems.ts'

type Io = 'input' | 'output'
type Examples = Record<string, { summary: string; value: unknown }>
type Content = Record<string, { schema: z.ZodType; examples?: Examples }>
interface Message {
  description: string
  content: Content
  headers?: object
}

declare module 'fastify' {
  interface FastifySchema {
    operationId?: string
    summary?: string
    description?: string
    tags?: readonly string[]
    hide?: boolean
    /** What the query may have; the route checks it. */
    parameters?: z.ZodType
    /** What the body may be; the route reads and checks it. */
    requestBody?: { description: string; content: Content }
    /** The keys it asks for, where not those that all do. */
    security?: readonly Record<string, readonly string[]>[]
    /** Schemas that are referred to by name only. */
    components?: z.ZodType[]
  }
}

const headers = {
  'x-request-id': {
    type: 'string',
    description: 'The request’s own id if it sent a sane one, else a new one.',
  },
}

/** JSON. */
export function jsonContent(schema: z.ZodType, examples?: Examples): Content {
  return { 'application/json': { schema, ...(examples && { examples }) } }
}

/** Bytes. */
export function octetContent(description: string): Content {
  const schema = z.any().meta({ type: 'string', format: 'binary', description })
  return { 'application/octet-stream': { schema } }
}

/** An answer in JSON. */
export function jsonAnswer(schema: z.ZodType, description: string): Message {
  return { description, content: jsonContent(schema) }
}

/** The statuses at which an operation answers with a problem document, and their codes. */
export function problemResponses(...statuses: number[]): Record<string, Message> {
  return Object.fromEntries(
    statuses.map((status) => {
      const description = Object.entries(problems)
        .filter(([, problem]) => problem[0] === status)
        .map(([code, [, title]]) => `\`${code}\`: ${title}.`)
        .join('\n\n')
      const content = { 'application/problem+json': { schema: ProblemDocument } }
      return [status, { description, content }]
    }),
  )
}

const REF = '#/components/schemas/'

interface Parameter {
  schema: z.core.JSONSchema.BaseSchema
  style?: string
  explode?: boolean
}

/** A list in a query has commas between its items; a list of lists has no place there. */
function separateByCommas(parameter: Parameter): void {
  const { schema } = parameter
  const list = [schema, ...(schema.anyOf ?? [])].find(
    (one) => (one as z.core.JSONSchema.BaseSchema).type === 'array',
  )
  if (list) Object.assign(parameter, { schema: list, style: 'form', explode: false })
}

/** zod validates, and describes itself; @fastify/swagger puts the descriptions together. */
export async function registerOpenapi(app: FastifyInstance, version: string): Promise<void> {
  const named: Record<Io, Set<z.ZodType>> = { input: new Set(), output: new Set() }

  function toJsonSchema(schema: z.ZodType, io: Io): object {
    const id = schema.meta()?.id
    if (id) {
      named[io].add(schema)
      return { $ref: REF + id }
    }
    const { $schema, ...jsonSchema } = z.toJSONSchema(schema, { io })
    return jsonSchema
  }

  function describe({ content, ...message }: Message, io: Io) {
    const described = Object.entries(content).map(([type, { schema, ...rest }]) => [
      type,
      { ...rest, schema: toJsonSchema(schema, io) },
    ])
    return { ...message, content: Object.fromEntries(described) }
  }

  /** @fastify/swagger keeps of a body its schema alone, so bodies are put back whole at the end. */
  const bodies = new Map<string, Message>()

  function transform({
    parameters,
    requestBody,
    response,
    components = [],
    ...schema
  }: FastifySchema): FastifySchema {
    for (const component of components) named.input.add(component)
    if (requestBody) bodies.set(schema.operationId!, describe(requestBody, 'input'))
    const responses = Object.entries((response ?? {}) as Record<string, Message>)
    return {
      ...schema,
      ...(parameters && { querystring: toJsonSchema(parameters, 'input') }),
      response: Object.fromEntries(
        responses.map(([status, message]) => [status, { headers, ...describe(message, 'output') }]),
      ),
    }
  }

  function components(io: Io) {
    const registry = z.registry<{ id: string }>()
    for (const schema of named[io]) registry.add(schema, { id: schema.meta()!.id! })
    const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => REF + id })
    return Object.fromEntries(
      Object.entries(schemas).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
    )
  }

  app.setValidatorCompiler<z.ZodType>(({ schema }) => (value) => {
    try {
      return { value: validate(schema, value) }
    } catch (error) {
      return { error: error as Error }
    }
  })
  app.setSerializerCompiler(() => JSON.stringify)

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Kelvin',
        version,
        summary: 'A sampling sidecar for language models',
        description:
          'POST logits, get probabilities and sampled token ids. The same request and seed give the same answer.\n\n' +
          'Temperature is a dial of randomness: p = exp((logit − max) / temperature), normalised.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'Asked for where the server has keys.',
          },
        },
      },
      security: [{}, { key: [] }],
      tags: [
        { name: 'sampling', description: 'From logits to tokens' },
        { name: 'open inference', description: 'For clients of Triton and KServe' },
        { name: 'about', description: 'What this server can do' },
        { name: 'health', description: 'For probes' },
      ],
    },
    transform: ({ schema, url, route }) => {
      if (!schema) return { schema: { hide: true }, url }
      const isOpen = route.config?.access !== undefined
      return { schema: { ...transform(schema), ...(isOpen && { security: [] }) }, url }
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('Expected an OpenAPI document')
      const { openapiObject } = document
      for (const operation of Object.values(openapiObject.paths!).flatMap((p) =>
        Object.values(p!),
      )) {
        const { parameters = [] } = operation as { parameters?: Parameter[] }
        for (const parameter of parameters) separateByCommas(parameter)
        const body = bodies.get((operation as { operationId: string }).operationId)
        if (body) Object.assign(operation, { requestBody: { ...body, required: true } })
      }
      const schemas = { ...components('input'), ...components('output') }
      return { ...openapiObject, components: { ...openapiObject.components, schemas } } as never
    },
  })
}
