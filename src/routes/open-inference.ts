import { promisify } from 'node:util'
import { deflate, gzip } from 'node:zlib'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { jsonContent, octetContent } from '../plugins/openapi.ts'
import { findRoute, toProblem } from '../plugins/problems.ts'
import { readBody } from '../protocols/body.ts'
import { describeModel, type Model, models } from '../protocols/open-inference/models.ts'
import { InferRequest, inferDecoder, openInfer } from '../protocols/open-inference/request.ts'
import { encodeInfer, joinParts } from '../protocols/open-inference/response.ts'
import { startPace } from '../protocols/pace.ts'
import { decodeRows } from '../protocols/rows.ts'
import { decodeOptions } from './sampling.ts'

const HEADER_LENGTH = 'inference-header-content-length'

const Failure = z
  .object({ error: z.string() })
  .meta({ id: 'InferError', description: 'Why a request of the Open Inference Protocol failed.' })

const Answer = z.record(z.string(), z.unknown())

const compressors = { gzip: promisify(gzip), deflate: promisify(deflate) }

/** The clients of the protocol compare the content type with exactly this. */
function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(value)))
}

/** Where /v1 says 422, Triton says 400, and its clients know no other. */
const statuses: Readonly<Record<number, number>> = { 415: 400, 422: 400 }

function sendFailure(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const problem = toProblem(error, request)
  if (problem.code === 'INTERNAL_ERROR') request.log.error({ err: error }, 'internal error')
  if (problem.statusCode === 503) reply.header('retry-after', '1')
  reply.problem = problem
  return sendJson(reply.code(statuses[problem.statusCode] ?? problem.statusCode), {
    error: problem.message.slice(0, 1000),
  })
}

/** How many bytes of the body are JSON. */
function headerLengthOf({ headers }: FastifyRequest): number | undefined {
  const given = headers[HEADER_LENGTH]
  if (given === undefined) return undefined
  const length = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
  const whole = Number(headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (length <= whole || (length >= 0 && headers['content-encoding'] !== undefined)) return length
  const detail = `Expected Inference-Header-Content-Length to be a number of bytes of the body, got ${JSON.stringify(String(given).slice(0, 32))}`
  throw new Problem('INVALID_REQUEST', detail)
}

/**
 * The one encoding that is asked for. A client that would take several is not in want of any: numbers
 * hardly get smaller, and it takes longer than sending them.
 */
function compressorFor({ headers }: FastifyRequest): keyof typeof compressors | undefined {
  const accepted = headers['accept-encoding']?.toString().trim().toLowerCase() ?? ''
  return accepted in compressors ? (accepted as keyof typeof compressors) : undefined
}

interface ModelParams {
  model: string
  version?: string
}

function modelOf({ params }: FastifyRequest): Model {
  const { model: name, version } = params as ModelParams
  const model = models.find((candidate) => candidate.name === name)
  const quoted = JSON.stringify(name.slice(0, 64))
  if (!model) {
    const known = models.map((candidate) => candidate.name).join(' and ')
    throw new Problem('NOT_FOUND', `Unknown model ${quoted}: there are ${known}`)
  }
  if (version !== undefined && version !== model.version) {
    throw new Problem('NOT_FOUND', `Unknown version of model ${quoted}: there is ${model.version}`)
  }
  return model
}

/** /v2: the Open Inference Protocol with Triton's binary tensors, as clients of Triton and KServe speak it. */
export async function openInferenceRoutes(
  app: FastifyInstance,
  config: Config,
  version: string,
): Promise<void> {
  const options = decodeOptions(config)
  const decoders = new Map(models.map((model) => [model, inferDecoder(model.operation)]))

  async function infer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const pace = startPace()
    const model = modelOf(request)
    const body = openInfer(headerLengthOf(request))
    await readBody(request.raw, config.MAX_BODY_BYTES, pace, body.push)
    const sent = body.end()
    const parsed = decoders.get(model)!(sent)
    const rows = await decodeRows(parsed, model.operation, pace, options)
    const { parts, headerLength } = await encodeInfer(sent.request, model, rows, pace)

    const isBinary = headerLength !== undefined
    reply.header('content-type', isBinary ? 'application/octet-stream' : 'application/json')
    if (isBinary) reply.header(HEADER_LENGTH, headerLength)
    const encoding = compressorFor(request)
    const answer = joinParts(parts)
    if (!encoding) return reply.send(answer)
    return reply.header('content-encoding', encoding).send(await compressors[encoding](answer))
  }

  const failures = { '4XX': { description: 'What is wrong.', content: jsonContent(Failure) } }
  const answers = (description: string) => ({
    200: { description, content: jsonContent(Answer) },
    ...failures,
  })
  const tags = ['open inference']

  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers()
      // Some clients send none, and Triton looks at none.
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
      scope.setErrorHandler(sendFailure)
      scope.setNotFoundHandler((request, reply) => findRoute(app, request, reply))

      const metadata = {
        name: 'kelvin',
        version,
        extensions: ['binary_tensor_data', 'classification', 'model_repository'],
      }
      const schema = {
        operationId: 'server_metadata',
        summary: 'Name, version and extensions',
        tags,
        response: answers('This server'),
      }
      scope.get('/', { schema }, (_request, reply) => sendJson(reply, metadata))
      for (const [name, key, summary] of [
        ['live', 'live', 'Is the server alive?'],
        ['ready', 'ready', 'Does the server take requests?'],
      ] as const) {
        const schema = { operationId: `server_${name}`, summary, tags, response: answers('Yes') }
        scope.get(`/health/${name}`, { schema }, (_request, reply) =>
          sendJson(reply, { [key]: true }),
        )
      }
      scope.get(
        '/models',
        {
          schema: {
            operationId: 'models',
            summary: 'List models',
            tags,
            response: answers('Their names'),
          },
        },
        (_request, reply) => sendJson(reply, { models: models.map(({ name }) => name) }),
      )
      scope.post(
        '/repository/index',
        {
          schema: {
            operationId: 'repository_index',
            summary: 'List models and their state',
            tags,
            response: answers('One entry for each model'),
          },
        },
        (request, reply) => {
          request.raw.resume()
          return sendJson(
            reply,
            models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' })),
          )
        },
      )
      for (const path of ['/models/:model', '/models/:model/versions/:version']) {
        const isPlain = path === '/models/:model'
        const shared = { tags, hide: !isPlain }
        scope.get(
          path,
          {
            schema: {
              ...shared,
              operationId: 'model_metadata',
              summary: 'Inputs and outputs of a model',
              response: answers('The model'),
            },
          },
          (request, reply) => sendJson(reply, describeModel(modelOf(request))),
        )
        scope.get(
          `${path}/ready`,
          {
            schema: {
              ...shared,
              operationId: 'model_ready',
              summary: 'Does the model take requests?',
              response: answers('Yes'),
            },
          },
          (request, reply) => sendJson(reply, { name: modelOf(request).name, ready: true }),
        )
        scope.post(
          `${path}/infer`,
          {
            schema: {
              ...shared,
              operationId: 'infer',
              summary: 'Sample, or turn logits into probabilities',
              description:
                'Models `sample` and `probabilities`. The input `logits` is FP32, FP16, BF16 or FP64, [V] or [B, V]. Any field of ' +
                '/v1 that is a value or a list may be a request parameter, or an input of its name with a value for each row; ' +
                'lists of different lengths are padded with negative numbers. With `Inference-Header-Content-Length` binary ' +
                'tensors follow the JSON; with 0 the body is one row of FP32.',
              requestBody: {
                description: 'JSON, or JSON and the tensors that it describes.',
                content: {
                  ...jsonContent(InferRequest, {
                    sample: {
                      summary: 'One token from five logits',
                      value: {
                        parameters: { temperature: 0.8, seed: 42 },
                        inputs: [
                          {
                            name: 'logits',
                            shape: [1, 5],
                            datatype: 'FP32',
                            data: [2, 1, 0.5, -1, -3],
                          },
                        ],
                      },
                    },
                  }),
                  ...octetContent('JSON, then binary tensors.'),
                },
              },
              response: answers('The outputs'),
            },
          },
          infer,
        )
      }
    },
    { prefix: '/v2' },
  )
}
