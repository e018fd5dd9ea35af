import { randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type * as z from 'zod'
import type { Config } from '../config.ts'
import { jsonAnswer, jsonBody, problemResponses } from '../plugins/openapi.ts'
import type { DecodeOptions } from '../protocols/json/decode.ts'
import { type DecodedRow, encode } from '../protocols/json/response.ts'
import { sample } from '../sampling/pipeline.ts'
import { Tensor } from '../sampling/tensor.ts'

const drawSeed = () => randomBytes(8).readBigUInt64LE()

interface SamplingRoute<Request extends z.ZodType> {
  url: string
  operationId: string
  summary: string
  description: string
  request: Request
  /** What one row may override. */
  row: z.ZodType
  response: z.ZodType
  decode(request: z.output<Request>, options: DecodeOptions): DecodedRow[]
  /** Requests shown in the documentation, by name; their answers are computed. */
  examples: Record<string, { summary: string; request: z.input<Request> }>
}

/** A route that takes logits in JSON and answers row by row. */
export function samplingRoute<Request extends z.ZodType>(
  app: FastifyInstance,
  config: Config,
  { url, request, row, response, decode, examples, ...documentation }: SamplingRoute<Request>,
): void {
  function answer(body: z.output<Request>): string {
    const { MAX_VOCAB_SIZE: maxVocabSize, MAX_ROWS: maxRows } = config
    const rows = decode(body, { maxVocabSize, maxRows, drawSeed })
    return encode(sample(rows), rows)
  }

  const requests: Record<string, { summary: string; value: unknown }> = {}
  const responses: typeof requests = {}
  for (const [name, example] of Object.entries(examples)) {
    const { summary } = example
    requests[name] = { summary, value: example.request }
    responses[name] = { summary, value: JSON.parse(answer(request.parse(example.request))) }
  }

  app.post(
    url,
    {
      schema: {
        ...documentation,
        tags: ['sampling'],
        body: jsonBody(request, 'Logits and parameters', requests),
        response: {
          200: jsonAnswer(response, 'One result for each row', responses),
          ...problemResponses(400, 408, 413, 415, 422, 500, 503),
        },
        components: [Tensor, row],
      },
    },
    ({ body }, reply) =>
      reply.type('application/json; charset=utf-8').send(answer(body as z.output<Request>)),
  )
}
