import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
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
import { takeBody, Work } from '../plugins/work.ts'
import { announcedLength, type Push } from '../protocols/body.ts'
import { JsonBody } from '../protocols/json/body.ts'
import { encode } from '../protocols/json/response.ts'
import {
  encodeTensor,
  jsonQueryNames,
  openTensor,
  tensorQuery,
} from '../protocols/octets/octets.ts'
import { finish, type Hold } from '../protocols/steps.ts'
import type { Operation, SamplingRequest } from '../request/operations.ts'
import { type Query, readQuery, withQuery } from '../request/query.ts'
import type { RequestRow, RowOptions } from '../request/request-row.ts'
import { toRows } from '../request/rows.ts'
import { validate } from '../request/validate.ts'

const JSON_TYPE = 'application/json'
const OCTETS = 'application/octet-stream'

/** Takes a body in. */
interface Body {
  push: Push
  end(): SamplingRequest
  /** When the answer is over, whatever became of it. */
  release?(): void
}

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

export function rowOptions({ MAX_VOCAB_SIZE, MAX_ROWS, MAX_WORK }: Config): RowOptions {
  return {
    maxVocabSize: MAX_VOCAB_SIZE,
    maxRows: MAX_ROWS,
    maxWork: MAX_WORK,
    drawSeed: () => randomBytes(8).readBigUInt64LE(),
  }
}

const tensorHeaders = {
  'X-Dtype': textHeader('`float32`. Of bytes alone.'),
  'X-Shape': textHeader('Rows and vocabulary size, with a comma between them. Of bytes alone.'),
  'X-Warnings': textHeader('The warnings, as JSON, if there are any. Of bytes alone.'),
}

/** A route that takes logits, as JSON or as bytes, and answers row by row. */
export async function samplingRoute(
  app: FastifyInstance,
  config: Config,
  { url, operation, response, answersTensor, examples, ...documentation }: SamplingRoute,
): Promise<void> {
  const options = rowOptions(config)
  const query = tensorQuery(operation)
  const jsonNames = jsonQueryNames(operation)
  const limit = config.MAX_BODY_BYTES

  /** What the query says is checked at once, and room for the body made when it may come. */
  function expectJson(request: FastifyRequest): (hold: Hold) => Body {
    const asked = readQuery(request.query as Query, jsonNames)
    return (hold) => {
      const body = new JsonBody(limit, hold)
      return {
        push: (piece) => body.push(piece),
        end: () => validate(operation.Request, withQuery(body.end(), asked)) as SamplingRequest,
        release: () => body.release(),
      }
    }
  }

  function expectOctets(request: FastifyRequest): () => Body {
    const parsed = query.parse(request.query as Query)
    return () => openTensor(parsed, announcedLength(request.raw, limit))
  }

  const requests: Record<string, { summary: string; value: unknown }> = {}
  const responses: typeof requests = {}
  for (const [name, { summary, request }] of Object.entries(examples)) {
    const work = new Work('json')
    const parsed = validate(operation.Request, request) as SamplingRequest
    const { result: rows } = finish(toRows(parsed, operation, options))
    const { parts } = finish(encode(rows, work.sample(rows)))
    requests[name] = { summary, value: request }
    responses[name] = { summary, value: JSON.parse(parts.join('')) }
  }

  app.post(
    url,
    {
      schema: {
        ...documentation,
        tags: ['sampling'],
        parameters: query.schema,
        requestBody: {
          description:
            'Logits and parameters as JSON; or the tensor of logits alone, with parameters in the query. Beside JSON a query may have fields too; the body wins where both have one.',
          content: {
            ...jsonContent(operation.Request, requests),
            ...octetContent(
              'The tensor, little-endian and row-major; `dtype` and `shape` say of what.',
            ),
          },
        },
        response: {
          200: {
            description: 'One result for each row',
            headers: { ...timing, ...(answersTensor && tensorHeaders) },
            content: {
              ...jsonContent(response, responses),
              ...(answersTensor && octetContent('float32 probabilities, [rows, vocabulary size].')),
            },
          },
          ...problemResponses(400, 401, 406, 413, 415, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const wantsTensor = acceptsTensor(request, answersTensor)
      // Without a body there need be no type; what is missing then is JSON.
      const { 'content-type': type = JSON_TYPE } = request.headers
      const isJson = type.toLowerCase().startsWith(JSON_TYPE)
      const work = new Work(isJson ? 'json' : 'octets')
      request.work = work
      const open = isJson ? expectJson(request) : expectOctets(request)
      let body: Body | undefined
      try {
        await takeBody(request, reply, limit, (hold) => {
          body = open(hold)
          return body.push
        })
        const rows = await work.run(toRows(body!.end(), operation, options))
        work.decoded(rows)
        return await (wantsTensor ? tensorAnswer : jsonAnswer)(reply, rows, work)
      } finally {
        work.whenOver(() => body?.release?.())
      }
    },
  )
}

/** Which of the two types an answer may have the client would rather have. */
function acceptsTensor({ headers }: FastifyRequest, answersTensor: boolean): boolean {
  const { accept = '*/*' } = headers
  // As most clients have it.
  if (accept === '*/*') return false
  const quality = (type: string) => {
    const [group] = type.split('/')
    for (const name of [type, `${group}/*`, '*/*']) {
      for (const part of accept.split(',')) {
        const [range, ...parameters] = part.split(';').map((text) => text.trim())
        if (range?.toLowerCase() !== name) continue
        return Number(/^q=([\d.]+)$/.exec(parameters.at(-1) ?? '')?.[1] ?? 1)
      }
    }
    return 0
  }
  const json = quality(JSON_TYPE)
  const tensor = answersTensor ? quality(OCTETS) : 0
  if (json === 0 && tensor === 0) {
    const types = answersTensor ? `${JSON_TYPE} or ${OCTETS}` : JSON_TYPE
    throw new Problem('NOT_ACCEPTABLE', `Can answer with ${types}`)
  }
  return tensor > json
}

async function jsonAnswer(reply: FastifyReply, rows: readonly RequestRow[], work: Work) {
  const answer = await work.answer(reply, encode(rows, work.sample(rows), work.hold))
  reply.type('application/json; charset=utf-8')
  return answer
}

async function tensorAnswer(reply: FastifyReply, rows: readonly RequestRow[], work: Work) {
  const tensor = await work.run(encodeTensor(rows, work.sample(rows), work.hold))
  const { shape, length, warnings, parts } = tensor
  reply.type(OCTETS).header('x-dtype', 'float32').header('x-shape', shape.join(','))
  if (warnings) reply.header('x-warnings', warnings)
  return work.answer(reply.header('content-length', length), parts)
}
