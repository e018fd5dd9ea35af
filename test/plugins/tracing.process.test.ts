import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { startServer } from '../server.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'
const sampled = `00-${traceId}-${spanId}-01`
const body = '{"logits":[1,2,3],"n":4}'

interface Span {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: Record<string, unknown> }[]
}
interface Export {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] }
    scopeSpans: { spans: Span[] }[]
  }[]
}

/** A collector of OTLP over HTTP. */
const received: Export[] = []
const collector = createServer(async (request, response) => {
  if (request.url === '/v1/traces') received.push((await json(request)) as Export)
  response.setHeader('content-type', 'application/json').end('{}')
})
collector.listen(0, '127.0.0.1')
await once(collector, 'listening')
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
afterAll(() => collector.close())

const spans = () =>
  received.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  )

async function post(url: string, traceparent?: string) {
  const headers = { 'content-type': 'application/json', ...(traceparent && { traceparent }) }
  return fetch(`${url}/v1/sample`, { method: 'POST', headers, body })
}

describe('spans', () => {
  it('go to a collector as children of the caller’s span, one for each phase', async () => {
    const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    await post(server.url, sampled)
    await post(server.url, sampled.replace(/01$/, '00'))
    await post(server.url)
    await fetch(`${server.url}/livez`)
    expect(await server.stop()).toBe(0)

    const roots = spans().filter(({ kind }) => kind === 2)
    expect(roots.map(({ name }) => name)).toEqual(['POST /v1/sample', 'POST /v1/sample'])
    const [under, own] = roots as [Span, Span]
    expect(under).toMatchObject({ traceId, parentSpanId: spanId })
    expect(own.parentSpanId ?? '').toBe('')
    expect(own.traceId).not.toBe(traceId)
    const attributes = Object.fromEntries(
      under.attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
    )
    expect(attributes).toMatchObject({
      'http.route': '/v1/sample',
      'http.response.status_code': 200,
      'kelvin.rows': 1,
      'kelvin.tokens': 4,
      'kelvin.transport': 'json',
    })
    const inside = spans().filter(({ parentSpanId }) => parentSpanId === under.spanId)
    expect(inside.map(({ name }) => name)).toEqual(['decode', 'compute', 'encode'])
    for (const span of [under, ...inside]) {
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano))
    }
    const [{ resource }] = received[0]!.resourceSpans as [Export['resourceSpans'][0]]
    const service = resource.attributes.find(({ key }) => key === 'service.name')
    expect(service?.value.stringValue).toBe('kelvin')
    const lines = server.lines
      .map((line) => JSON.parse(line))
      .filter(({ msg }) => msg === 'request')
    expect(lines[0]).toMatchObject({ trace_id: traceId, span_id: under.spanId })
  })

  it('without a reachable collector delay no answer', async () => {
    const server = await startServer({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })
    expect((await post(server.url, sampled)).status).toBe(200)
    expect(await server.stop()).toBe(0)
  })
})

describe('without a collector', () => {
  it.each([
    [sampled, { trace_id: traceId, span_id: spanId }],
    [`01-${traceId}-${spanId}-01-more`, { trace_id: traceId, span_id: spanId }],
    [`00-${traceId}-${spanId}-01-more`, {}],
    [`ff-${traceId}-${spanId}-01`, {}],
    [`00-${'0'.repeat(32)}-${spanId}-01`, {}],
    [`00-${traceId}-${'0'.repeat(16)}-01`, {}],
    [`00-${traceId.toUpperCase()}-${spanId}-01`, {}],
    ['nonsense', {}],
  ])('a request with %s is logged with its trace', async (traceparent, expected) => {
    const server = await startServer()
    await post(server.url, traceparent)
    expect(await server.stop()).toBe(0)
    const line = server.lines.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'request')
    const { trace_id, span_id } = line
    expect({ ...(trace_id && { trace_id, span_id }) }).toEqual(expected)
  })
})
