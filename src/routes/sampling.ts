import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import type * as z from 'zod'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import {
  jsonContent,
  octetContent,
  problemResponses,
  textHeader,
  timing,
} from '../plugins/openapi.ts'
import { JSON_TYPE, jsonProtocol } from '../protocols/json/protocol.ts'
import { octetsProtocol } from '../protocols/octets/protocol.ts'
import { OCTETS, tensorHeaders } from '../protocols/octets/response.ts'
import { elsewhere, tensorQuery } from '../protocols/octets/tensor-query.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { Operation } from '../request/operations.ts'
import type { Query } from '../request/query.ts'
import type { RowOptions } from '../request/request-row.ts'
import type { ApiContext } from './api.ts'
import { answerAtOnce, answerExample, answerRequest } from './exchange.ts'

interface SamplingRoute {
  url: string
  operationId: string
  summary: string
  description: string
  operation: Operation
  response: z.ZodType
  /** Whether the answer may be a tensor. */
  answersTensor: boolean
  /** Requests shown in the documentation, by name; their answers are computed. */
  examples: Record<string, { summary: string; request: object }>
}

/** The request that warms up a route, as JSON and as bytes with a query: a small row, with the fields that most clients send. */
function warmUpRequest() {
  const row = new Float32Array(64).map((_, id) => 8 * Math.sin(id * id))
  const fields = { temperature: 0.8, top_k: 40, top_p: 0.95, seed: 1 }
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)])
  return {
    text: Buffer.from(JSON.stringify({ logits: Array.from(row), ...fields })),
    bytes: Buffer.from(row.buffer),
    query: Object.fromEntries(texts) as Query,
  }
}

export function rowOptions({ MAX_VOCAB_SIZE, MAX_ROWS, MAX_WORK }: Config): RowOptions {
  return {
    maxVocabSize: MAX_VOCAB_SIZE,
    maxRows: MAX_ROWS,
    maxWork: MAX_WORK,
    drawSeed: () => randomBytes(8).readBigUInt64LE(),
  }
}

/** A route that takes logits as JSON or as bytes, and answers with a result for each row. */
export async function samplingRoute(
  app: FastifyInstance,
  { config, sharedMemory }: ApiContext,
  { url, operation, response, answersTensor, examples, ...documentation }: SamplingRoute,
): Promise<void> {
  const exchange = { operation, options: rowOptions(config), limit: config.MAX_BODY_BYTES }
  const json = jsonProtocol(operation, elsewhere, sharedMemory)
  const query = tensorQuery(operation)
  const octets = octetsProtocol(query)
  const readers = new Map([
    [JSON_TYPE, json],
    [OCTETS, octets],
  ])
  const writers = answersTensor ? readers : new Map([[JSON_TYPE, json]])

  const { text, bytes, query: fields } = warmUpRequest()
  app.warmUps.push(
    () => answerAtOnce(text, {}, json, exchange),
    () => answerAtOnce(bytes, fields, { ...json, read: octets.read }, exchange),
  )

  const requests: Record<string, { summary: string; value: unknown }> = {}
  const responses: typeof requests = {}
  for (const [name, { summary, request }] of Object.entries(examples)) {
    requests[name] = { summary, value: request }
    responses[name] = { summary, value: answerExample(request, json, exchange) }
  }
  const headers = Object.fromEntries(
    Object.entries(tensorHeaders).map(([name, description]) => [name, textHeader(description)]),
  )

  app.post(
    url,
    {
      // Check the content type before Fastify does, because its error would say less.
      onRequest: (request, _reply, done) => {
        readerFor(request, readers)
        done()
      },
      schema: {
        ...documentation,
        tags: ['sampling'],
        parameters: query.schema,
        requestBody: {
          description:
            'Logits and fields as JSON; or only the tensor of logits, with the fields in the query. A JSON body may have a query too. If both have a field, the body wins.',
          content: {
            ...jsonContent(operation.Request, requests),
            ...octetContent(
              'The tensor, little-endian and row-major. `dtype` and `shape` in the query describe it.',
            ),
          },
        },
        response: {
          200: {
            description: 'One result for each row',
            headers: { ...timing, ...(answersTensor && headers) },
            content: {
              ...jsonContent(response, responses),
              ...(answersTensor && octetContent('float32 probabilities, [rows, vocabulary size].')),
            },
          },
          ...problemResponses(400, 401, 406, 413, 415, 422, 503),
        },
      },
    },
    (request, reply) => {
      const writer = writerFor(request, writers)
      return answerRequest(request, reply, readerFor(request, readers), writer, exchange)
    },
  )
}

type Protocols = ReadonlyMap<string, Protocol>

/** The protocol for the content type of a body. A request without type and body counts as JSON: its error is EMPTY_BODY. */
function readerFor({ headers }: FastifyRequest, protocols: Protocols): Protocol {
  const { 'content-type': given } = headers
  const named = given === undefined ? undefined : protocols.get(given)
  if (named) return named
  const hasBody =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length']) > 0
  const type = given ?? (hasBody ? '' : JSON_TYPE)
  const protocol = protocols.get(type.split(';', 1)[0]!.trim().toLowerCase())
  if (protocol) return protocol
  const types = [...protocols.keys()]
  const detail = `Cannot read ${describeType(given)}: send Content-Type ${types.join(' or ')}`
  // `curl -d` declares its body as a form.
  const isForm = given?.startsWith('application/x-www-form-urlencoded')
  const hint = isForm ? `; curl -d needs -H 'Content-Type: ${JSON_TYPE}'` : ''
  const problem = new Problem('UNSUPPORTED_MEDIA_TYPE', detail + hint)
  problem.headers = { accept: types.join(', ') }
  throw problem
}

/** Number of characters of a content type that an error quotes. */
const MAX_TYPE = 64

const describeType = (type: string | undefined) =>
  type ? JSON.stringify(type.slice(0, MAX_TYPE)) : 'a body without a Content-Type'

/** The protocol for the content type that the client prefers. */
function writerFor({ headers }: FastifyRequest, protocols: Protocols): Protocol {
  const types = [...protocols.keys()]
  // Most clients accept anything.
  if ((headers.accept ?? '*/*') === '*/*') return protocols.get(types[0]!)!
  // No answer has parameters that a client could choose by, except for a charset, which is always UTF-8.
  const accept = headers.accept?.replaceAll(/;\s*(?!q\s*=)[^;,]*/gi, '').trim() || '*/*'
  const [type] = new Negotiator({ headers: { accept } }).mediaTypes(types)
  if (type !== undefined) return protocols.get(type)!
  throw new Problem('NOT_ACCEPTABLE', `Expected Accept to allow ${types.join(' or ')}`)
}
