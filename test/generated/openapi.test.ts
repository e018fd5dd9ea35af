import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { testApp } from '../app.ts'

const directory = mkdtempSync(join(tmpdir(), 'kelvin-openapi-'))
writeFileSync(join(directory, 'logits'), new Uint8Array(513_024))
afterAll(() => rmSync(directory, { recursive: true }))
const app = await testApp({ SHARED_MEMORY_DIR: directory })
await app.inject({
  method: 'POST',
  url: '/v2/systemsharedmemory/region/known/register',
  payload: { key: 'logits', byte_size: 4 },
})
const document = app.swagger() as unknown as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

interface Operation {
  operationId: string
  summary: string
  parameters: { name: string; in: string; schema: object }[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { content: Record<string, Media>; headers?: object }>
}
interface Media {
  schema: object
  examples?: Record<string, { value: object }>
}

/** With -u this writes the document. Without it, it fails if routes or schemas have changed. */
it('openapi/openapi.json is up to date', async () => {
  const text = `${JSON.stringify(document, null, 2)}\n`
  const file = new URL('../../openapi/openapi.json', import.meta.url).pathname
  await expect(text).toMatchFileSnapshot(file)
})

it('has a description wherever it says one follows', () => {
  expect(JSON.stringify(document)).not.toMatch(/undefined|\[object/)
})

const operations = Object.entries(document.paths).flatMap(([url, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ url, method, ...operation })),
)

it.each(operations)('$method $url has the parameters of its path', ({ url, parameters }) => {
  const inPath = parameters.filter((parameter) => parameter.in === 'path')
  const named = [...url.matchAll(/{(\w+)}/g)].map(([, name]) => name)
  expect(inPath.map(({ name }) => name)).toEqual(named)
})

/** A JSON schema of the document as a zod schema, with references resolved. */
function toZod(schema: object): z.ZodType {
  const defs = JSON.parse(
    JSON.stringify(document.components.schemas).replaceAll('#/components/schemas/', '#/$defs/'),
  )
  const local = JSON.parse(JSON.stringify(schema).replaceAll('#/components/schemas/', '#/$defs/'))
  return z.fromJSONSchema({ ...local, $defs: defs })
}

describe.each(operations)('$method $url', ({ url, method, summary, requestBody, responses }) => {
  it('has a summary and its problems', () => {
    expect(summary).toBeTruthy()
    const problems = Object.entries(responses).filter(([status]) => /^[45]/.test(status))
    expect(problems.length).toBeGreaterThan(0)
    for (const [status, { content }] of problems) {
      // Clients of the Open Inference Protocol only read errors in its own form. The HTTP parser does not know the URL.
      const isOwn = url.startsWith('/v2') && !['408', '431'].includes(status)
      const type = isOwn ? 'application/json' : 'application/problem+json'
      expect(Object.keys(content)).toEqual([type])
    }
  })

  it.runIf(method === 'get')('answers as declared', async () => {
    const response = await app.inject({ method: 'GET', url: url.replace('{name}', 'known') })
    expect(response.statusCode).toBe(200)
    expectDeclared(responses, response)
  })

  if (!requestBody) return
  const body = requestBody.content['application/json']!
  const answer = responses[200]!.content['application/json']!

  it.each(Object.entries(body.examples!))(
    'example %s is answered as shown',
    async (name, { value }) => {
      const response = await app.inject({
        method: method as 'POST',
        url: url.replace('{name}', 'logits'),
        payload: value,
      })
      expect(response.statusCode).toBe(200)
      expect(response.json()).toEqual(answer.examples![name]!.value)
      expect(toZod(body.schema).safeParse(value).error).toBeUndefined()
      expectDeclared(responses, response)
    },
  )
})

/** Headers of HTTP, and for browsers. */
const common = [
  'connection',
  'content-length',
  'content-security-policy',
  'content-type',
  'date',
  'referrer-policy',
  'vary',
  'x-content-type-options',
]

/** Expects exactly the type, headers and body that the document declares for the status. */
function expectDeclared(responses: Operation['responses'], response: LightMyRequestResponse) {
  const { content = {}, headers = {} } = responses[response.statusCode]!
  const [type] = String(response.headers['content-type']).split(';')
  expect(Object.keys(content)).toContain(type)
  const declared = [...Object.keys(headers).map((name) => name.toLowerCase()), ...common]
  expect(declared).toEqual(expect.arrayContaining(Object.keys(response.headers)))
  if (!type!.endsWith('json')) return
  expect(toZod(content[type!]!.schema).safeParse(response.json()).error).toBeUndefined()
}

/** Every schema of the document, with its place. */
function* schemasIn(value: unknown, path: string): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return
  const isSchema = /(schema|items|additionalProperties|(schemas|properties|anyOf)\/[^/]+)$/.test(
    path,
  )
  if (isSchema && !path.endsWith('schemas/properties')) yield [path, value as never]
  for (const [name, part] of Object.entries(value)) {
    if (!['example', 'examples', 'enum'].includes(name)) yield* schemasIn(part, `${path}/${name}`)
  }
}

describe('the document has nothing that stops or misleads generators', () => {
  const schemas = [...schemasIn(document, '')]
  const where = (isBad: (schema: Record<string, unknown>, path: string) => boolean) =>
    schemas.filter(([path, schema]) => isBad(schema, path)).map(([path]) => path)
  const isComponent = (path: string) => /^\/components\/schemas\/[^/]+$/.test(path)

  it('the test finds schemas', () => expect(schemas.length).toBeGreaterThan(500))

  it.each(['default', 'const', 'prefixItems', 'title', 'oneOf'])('%s', (keyword) => {
    expect(where((schema) => keyword in schema)).toEqual([])
  })

  it('several types at once', () => {
    expect(where(({ type }) => Array.isArray(type))).toEqual([])
  })

  it('numbers without a width', () => {
    expect(
      where(({ type, format }) => (type === 'number' || type === 'integer') && !format),
    ).toEqual([])
  })

  it('enums, objects and choices without a name', () => {
    const isNullable = (choices: unknown) => JSON.stringify(choices).includes('{"type":"null"}')
    expect(
      where(
        ({ enum: values, properties, anyOf }, path) =>
          Boolean(values || properties || (anyOf && !isNullable(anyOf))) && !isComponent(path),
      ),
    ).toEqual([])
  })

  it('components with names that generators give to answers', () => {
    const taken = operations.map(({ operationId }) => `${operationId.replaceAll('_', '')}response`)
    const names = Object.keys(document.components.schemas).map((name) => name.toLowerCase())
    expect(names.filter((name) => taken.includes(name))).toEqual([])
  })

  it('query parameters that are neither a value nor a list of values', () => {
    const inQuery = operations.flatMap(({ parameters }) => parameters)
    expect(inQuery.filter(({ schema }) => 'anyOf' in schema || 'properties' in schema)).toEqual([])
  })
})

it('serves the document of the repository', async () => {
  const response = await app.inject('/openapi.json')
  expect(response.json()).toEqual(JSON.parse(JSON.stringify(document)))
})
