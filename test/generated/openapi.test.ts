import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { testApp } from '../app.ts'

const app = await testApp()
const document = app.swagger() as unknown as {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, object> }
}

interface Operation {
  operationId: string
  summary: string
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, { content: Record<string, Media> }>
}
interface Media {
  schema: object
  examples?: Record<string, { value: object }>
}

/** With -u this writes the document; without, it fails when routes or schemas have changed. */
it('openapi/openapi.json is up to date', async () => {
  const text = `${JSON.stringify(document, null, 2)}\n`
  const file = new URL('../../openapi/openapi.json', import.meta.url).pathname
  await expect(text).toMatchFileSnapshot(file)
})

const operations = Object.entries(document.paths).flatMap(([url, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ url, method, ...operation })),
)

/** A JSON schema of the document as a zod schema, references followed. */
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
    // Clients of the Open Inference Protocol know errors of their own only.
    const type = url.startsWith('/v2') ? 'application/json' : 'application/problem+json'
    for (const [, { content }] of problems) expect(Object.keys(content)).toEqual([type])
  })

  if (!requestBody) return
  const body = requestBody.content['application/json']!
  const answer = responses[200]!.content['application/json']!

  it.each(Object.entries(body.examples!))(
    'example %s is answered as shown',
    async (name, { value }) => {
      const response = await app.inject({ method: method as 'POST', url, payload: value })
      expect(response.statusCode).toBe(200)
      expect(response.json()).toEqual(answer.examples![name]!.value)
      expect(toZod(body.schema).safeParse(value).error).toBeUndefined()
      expect(toZod(answer.schema).safeParse(response.json()).error).toBeUndefined()
    },
  )
})

it('serves the document it has in the repository', async () => {
  const response = await app.inject('/openapi.json')
  expect(response.json()).toEqual(JSON.parse(JSON.stringify(document)))
})
