import swagger from '@fastify/swagger'
import type { FastifyInstance, FastifySchema, FastifyServerOptions } from 'fastify'
import * as z from 'zod'
import { problems } from '../errors.ts'
import { encodingNames } from '../protocols/content-encoding.ts'
import { PROBLEM_TYPE, ProblemDocument } from '../protocols/problem.ts'
import { validate } from '../request/validate.ts'
import { openComponents } from './components.ts'

type Io = 'input' | 'output'
type JsonSchema = z.core.JSONSchema.BaseSchema
type Examples = Record<string, { summary: string; value: unknown }>
type Content = Record<string, { schema: z.ZodType; examples?: Examples }>
interface Header {
  description: string
  schema: JsonSchema
}
type Headers = Readonly<Record<string, Header>>
interface Message {
  description: string
  content?: Content
  headers?: Headers
}

declare module 'fastify' {
  interface FastifySchema {
    operationId?: string
    summary?: string
    description?: string
    tags?: readonly string[]
    hide?: boolean
    /** Parameters in the URL, by name. */
    pathParameters?: Headers
    /** Schema of the query. The route itself checks the query. */
    parameters?: z.ZodType
    /** Request headers that this route reads, in addition to those of all routes. */
    requestHeaders?: Headers
    /** Schemas of the body. The route itself reads and checks the body. */
    requestBody?: { description: string; content: Content }
    /** Security of this route, if it differs from that of all routes. */
    security?: readonly Record<string, readonly string[]>[]
  }
}

/** A header, or a part of a path, whose value is text. */
export function textHeader(description: string): Header {
  return { description, schema: { type: 'string' } }
}

const requestId = {
  'X-Request-Id': textHeader(
    'Id of the request, for the answer and the log: 1 to 128 characters out of letters, digits and `_.:-`. Kelvin replaces any other id.',
  ),
}

const compression = `It may be compressed with ${encodingNames.join(' or ')} (\`Content-Encoding\`).`

const answered: Headers = {
  'X-Request-Id': textHeader('The id from the request if it is valid, otherwise a new one.'),
}

/** Headers of answers to sampling requests. */
export const timing: Headers = {
  'Server-Timing': textHeader(
    'Time for decoding, computing and encoding, in milliseconds. For an answer of more than 1 MiB, the times end with its first byte.',
  ),
}

/** Headers that tell a client what to do about a problem, by status. */
const remedies: Readonly<Record<number, Headers>> = {
  401: { 'WWW-Authenticate': textHeader('`Bearer`.') },
  415: {
    Accept: textHeader('The accepted content types of bodies.'),
    'Accept-Encoding': textHeader(
      `Accepted content encodings of bodies: ${encodingNames.join(', ')}.`,
    ),
  },
  503: {
    'Retry-After': {
      description: 'When to try again, in seconds.',
      schema: { type: 'integer', minimum: 1 },
    },
    'Retry-After-Ms': {
      description: 'When to try again, in milliseconds. Omitted while the server shuts down.',
      schema: { type: 'integer', minimum: 1 },
    },
  },
}

/** Statuses of errors of the HTTP parser. There is no request yet, so the answer has no id, and is a problem document in every protocol. */
const withoutRequest = [408, 431]

export function jsonContent(schema: z.ZodType, examples?: Examples): Content {
  return { 'application/json': { schema, ...(examples && { examples }) } }
}

export function octetContent(description: string): Content {
  const schema = z.any().meta({ type: 'string', format: 'binary', description })
  return { 'application/octet-stream': { schema } }
}

export function textContent(description: string): Content {
  return { 'text/plain': { schema: z.string().meta({ description }) } }
}

export function jsonAnswer(schema: z.ZodType, description: string, headers: Headers = {}): Message {
  return { description, content: jsonContent(schema), headers }
}

const problemContent: Content = { [PROBLEM_TYPE]: { schema: ProblemDocument } }

/** Error answers with these statuses, and with those that any request may get. */
export function problemResponses(...statuses: number[]): Record<string, Message> {
  return errorResponses(statuses, problemContent)
}

/** The same in the format of a protocol, which may use other statuses. */
export function errorResponses(
  statuses: readonly number[],
  content: Content,
  statusOf = (status: number) => status,
): Record<string, Message> {
  // A route that checks keys (401) checks the site of the request instead (403) if the server has no keys.
  const guarded = statuses.flatMap((status) => (status === 401 ? [401, 403] : [status]))
  const responses = [...guarded, 500, ...withoutRequest].map((status): [number, Message] => {
    const meanings = Object.entries(problems)
      .filter(([, [own]]) => statusOf(own) === status)
      .map(([code, [, title]]) => `\`${code}\`: ${title}.`)
    return [
      status,
      {
        description: meanings.join('\n\n'),
        content: withoutRequest.includes(status) ? problemContent : content,
        headers: remedies[status] ?? {},
      },
    ]
  })
  return Object.fromEntries(responses)
}

/** Base64 with padding, and with zeros in the unused bits of the last character. */
const BASE64 = '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$'

function compileValidator({ schema }: { schema: unknown }) {
  return (value: unknown) => {
    try {
      return { value: validate(schema as z.ZodType, value) }
    } catch (error) {
      return { error: error as Error }
    }
  }
}

/** Validates with zod. Fastify gets it when it is made; otherwise it loads Ajv and a serializer, which nothing uses. */
export const schemaController = {
  compilersFactory: {
    // Its type describes Ajv only.
    buildValidator: (() => compileValidator) as never,
    buildSerializer: () => () => JSON.stringify,
  },
} satisfies FastifyServerOptions['schemaController']

/** Makes the OpenAPI document: schemas come from zod, routes from @fastify/swagger. */
export async function registerOpenapi(app: FastifyInstance, version: string): Promise<void> {
  const { schemas, publish } = openComponents()
  const toJsonSchema = (schema: z.ZodType, io: Io) => z.toJSONSchema(schema, { io }) as JsonSchema

  function describeHeaders(headers: Headers) {
    const described = Object.entries(headers).map(([name, { description, schema }]) => [
      name,
      { description, schema: publish(schema, 'output') },
    ])
    return Object.fromEntries(described) as Record<string, object>
  }

  function describeContent(content: Content, io: Io) {
    const described = Object.entries(content).map(([type, { schema, ...rest }]) => [
      type,
      { ...rest, schema: publish(toJsonSchema(schema, io), io) },
    ])
    return Object.fromEntries(described) as Record<string, object>
  }

  function describeResponse([status, message]: [string, Message]) {
    const { description, content, headers } = message
    const own = withoutRequest.includes(Number(status)) ? headers : { ...answered, ...headers }
    return [
      status,
      {
        description,
        ...(own && { headers: describeHeaders(own) }),
        ...(content && { content: describeContent(content, 'output') }),
      },
    ] as const
  }

  /** A list in a query has commas between its items. A 64-bit integer is a string of digits. */
  function queryParameter([name, property]: [string, JsonSchema]) {
    const forms = (property.anyOf ?? []) as JsonSchema[]
    const form = forms.find(({ type }) => type === 'array' || type === 'string') ?? property
    // Swagger UI would ask for a file if the schema declared base64.
    const { description: _, ...schema } =
      form.contentEncoding === 'base64'
        ? { type: 'string', pattern: BASE64 }
        : publish(form, 'input')
    const { description } = publish(property, 'input')
    const list = form.type === 'array' && { style: 'form', explode: false }
    return { name, in: 'query', description, schema, ...list }
  }

  function describeParameters(
    inPath: Headers,
    query: z.ZodType | undefined,
    headers: Headers,
  ): object[] {
    const { properties = {} } = query ? toJsonSchema(query, 'input') : {}
    const named = Object.entries(describeHeaders(headers))
    const parts = Object.entries(describeHeaders(inPath))
    return [
      ...parts.map(([name, part]) => ({ name, in: 'path', required: true, ...part })),
      ...Object.entries(properties as Record<string, JsonSchema>).map(queryParameter),
      ...named.map(([name, header]) => ({ name, in: 'header', ...header })),
    ]
  }

  /** For each operation, the parts of the document that @fastify/swagger would change. `transformObject` restores them. */
  const operations = new Map<string, object>()

  function transform(schema: FastifySchema): FastifySchema {
    const {
      pathParameters = {},
      parameters,
      requestHeaders,
      requestBody,
      response,
      ...rest
    } = schema
    const headers = { ...requestHeaders, ...requestId }
    const responses = Object.entries((response ?? {}) as Record<string, Message>)
    operations.set(schema.operationId!, {
      parameters: describeParameters(pathParameters, parameters, headers),
      ...(requestBody && {
        requestBody: {
          description: `${requestBody.description} ${compression}`,
          content: describeContent(requestBody.content, 'input'),
          required: true,
        },
      }),
      responses: Object.fromEntries(responses.map(describeResponse)),
    })
    return rest
  }

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Kelvin',
        version,
        summary: 'A sampling sidecar for language models',
        description:
          'POST logits, get probabilities and sampled token ids. The same request with the same seed gets the same answer.\n\n' +
          'Temperature sets how random a draw is: p = exp((logit − max) / temperature), normalised.\n\n' +
          'Every request may carry a `traceparent` header (W3C Trace Context).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This server' }],
      components: {
        securitySchemes: {
          key: {
            type: 'http',
            scheme: 'bearer',
            description: 'Required if the server has API keys.',
          },
        },
      },
      security: [{}, { key: [] }],
      tags: [
        { name: 'sampling', description: 'From logits to tokens' },
        { name: 'open inference', description: 'For clients of Triton and KServe' },
        { name: 'about', description: 'What this server can do' },
        { name: 'health', description: 'For probes and monitoring' },
      ],
    },
    transform: ({ schema, url, route }) => {
      if (!schema || schema.hide) return { schema: { hide: true }, url }
      const isOpen = route.config?.access === 'probe'
      return { schema: { ...transform(schema), ...(isOpen && { security: [] }) }, url }
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) throw new Error('Expected an OpenAPI document')
      const { openapiObject } = document
      const paths = Object.values(openapiObject.paths!)
      for (const operation of paths.flatMap((path) => Object.values(path!))) {
        const { operationId } = operation as { operationId: string }
        Object.assign(operation, operations.get(operationId))
      }
      const sorted = [...schemas].sort(([a], [b]) => (a < b ? -1 : 1))
      const components = { ...openapiObject.components, schemas: Object.fromEntries(sorted) }
      return { ...openapiObject, components } as never
    },
  })
}
