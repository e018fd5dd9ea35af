import { pipeline, type Readable } from 'node:stream'
import { promisify } from 'node:util'
import { createDeflate, createGzip, deflate, gzip } from 'node:zlib'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { Admission } from '../admission/admission.ts'
import type { Config } from '../config.ts'
import { Problem } from '../errors.ts'
import { errorResponses, jsonContent, octetContent, timing } from '../plugins/openapi.ts'
import { findRoute, prepareReply, toProblem } from '../plugins/problems.ts'
import { takeBody, Work } from '../plugins/work.ts'
import { announcedLength } from '../protocols/body.ts'
import { type Infer, InferBody } from '../protocols/open-inference/body.ts'
import { InferRequest } from '../protocols/open-inference/inputs.ts'
import {
  describeModel,
  type Model,
  ModelMetadata,
  models,
} from '../protocols/open-inference/models.ts'
import { inferDecoder } from '../protocols/open-inference/request.ts'
import {
  encodeInfer,
  type InferAnswer,
  InferResponse,
} from '../protocols/open-inference/response.ts'
import { finish, type Steps } from '../protocols/steps.ts'
import { type Query, queryNames, readQuery } from '../request/query.ts'
import { toRows } from '../request/rows.ts'
import { checkReadiness } from './health.ts'
import { rowOptions } from './sampling.ts'

export const PREFIX = '/v2'

const HEADER_LENGTH = 'inference-header-content-length'

const Failure = z.object({ error: z.string() }).meta({
  title: 'InferError',
  description: 'Why a request of the Open Inference Protocol failed.',
})

const ServerMetadata = z
  .object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .meta({ title: 'ServerMetadata', description: 'This server.' })
const Live = z.object({ live: z.boolean() }).meta({ title: 'ServerLive', description: 'Yes.' })
const Ready = z.object({ ready: z.boolean() }).meta({ title: 'ServerReady', description: 'Yes.' })
const ModelReady = z
  .object({ name: z.string(), ready: z.boolean() })
  .meta({ title: 'ModelReady', description: 'Yes, and of which model.' })
const ModelList = z
  .object({ models: z.array(z.string()) })
  .meta({ title: 'ModelList', description: 'The models by name.' })
const RepositoryIndex = z.array(
  z
    .object({ name: z.string(), version: z.string(), state: z.string(), reason: z.string() })
    .meta({ title: 'ModelState', description: 'A model, and whether it takes requests.' }),
)

const compressors = {
  gzip: { whole: promisify(gzip), stream: createGzip },
  deflate: { whole: promisify(deflate), stream: createDeflate },
}

/** An answer compressed, as a whole or while it is written. */
function compress(answer: string | Buffer | Readable, encoding: keyof typeof compressors) {
  const { whole, stream } = compressors[encoding]
  if (typeof answer === 'string' || Buffer.isBuffer(answer)) return whole(answer)
  // Whoever reads what is compressed is told of errors.
  return pipeline(answer, stream(), () => {})
}

/** The clients of the protocol compare the content type with exactly this. */
function sendJson(reply: FastifyReply, value: unknown): FastifyReply {
  return reply.header('content-type', 'application/json').send(Buffer.from(JSON.stringify(value)))
}

/** Where /v1 says 422, Triton says 400, and its clients know no other. */
const statuses: Readonly<Record<number, number>> = { 415: 400, 422: 400 }
const statusOf = (status: number) => statuses[status] ?? status

function sendFailure(error: FastifyError, request: FastifyRequest, reply: FastifyReply) {
  const problem = toProblem(error, request)
  if (problem.code === 'INTERNAL_ERROR') request.log.error({ err: error }, 'internal error')
  prepareReply(problem, request, reply)
  reply.problem = problem
  return sendJson(reply.code(statusOf(problem.statusCode)), failureOf(problem))
}

const failureOf = ({ message }: Problem) => ({ error: message.slice(0, 1000) })

/** As bytes, of a request that has no reply object yet. */
export function failureBody(problem: Problem): Buffer {
  return Buffer.from(JSON.stringify(failureOf(problem)))
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
  return Object.hasOwn(compressors, accepted) ? (accepted as keyof typeof compressors) : undefined
}

/** What a URL under /v2 that nothing answers is wrong about, if it names a model. */
function checkModel({ url }: FastifyRequest): void {
  const [, given, version] = /\/models\/([^/?]+)(?:\/versions\/([^/?]+))?/.exec(url) ?? []
  if (given === undefined) return
  const quoted = JSON.stringify(given.slice(0, 64))
  const model = models.find(({ name }) => name === given)
  if (!model) {
    const known = models.map(({ name }) => name).join(' and ')
    throw new Problem('NOT_FOUND', `Unknown model ${quoted}: there are ${known}`)
  }
  if (version !== undefined && version !== model.version) {
    throw new Problem('NOT_FOUND', `Unknown version of model ${quoted}: there is ${model.version}`)
  }
}

const EXAMPLE = {
  id: 'step-17',
  parameters: { temperature: 0.8, seed: 42 },
  inputs: [{ name: 'logits', shape: [1, 5], datatype: 'FP32', data: [2, 1, 0.5, -1, -3] }],
}

const tags = ['open inference']
const failuresAt = (...answered: number[]) =>
  errorResponses(answered, jsonContent(Failure), statusOf)

const headerLength = (description: string) => ({
  'Inference-Header-Content-Length': {
    description,
    schema: { type: 'integer' as const, minimum: 0 },
  },
})

/** /v2: the Open Inference Protocol with Triton's binary tensors, as clients of Triton and KServe speak it. */
export async function openInferenceRoutes(
  app: FastifyInstance,
  config: Config,
  admission: Admission,
  version: string,
): Promise<void> {
  const checkReady = () => checkReadiness(admission)
  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers()
      // Some clients send none, and Triton looks at none.
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
      scope.setErrorHandler(sendFailure)
      scope.setNotFoundHandler((request, reply) => {
        checkModel(request)
        return findRoute(app, request, reply)
      })
      serverRoutes(scope, version, checkReady)
      for (const model of models) await modelRoutes(scope, config, model, checkReady)
    },
    { prefix: PREFIX },
  )
}

/** A route with an answer that is always the same, once it is ready. */
function constant(
  scope: FastifyInstance,
  method: 'GET' | 'POST',
  url: string,
  schema: {
    operationId: string
    summary: string
    description: string
    answer: z.ZodType
    hide?: boolean
  },
  value: unknown,
  check?: () => void,
): void {
  const { answer, ...documentation } = schema
  const response = {
    200: { description: 'The answer', content: jsonContent(answer) },
    ...failuresAt(400, ...(check ? [] : [401]), 503),
  }
  scope.route({
    method,
    url,
    prefixTrailingSlash: 'slash',
    ...(check && { config: { access: 'probe' } }),
    schema: { ...documentation, tags, response },
    handler: (request, reply) => {
      request.raw.resume()
      check?.()
      return sendJson(reply, value)
    },
  })
}

function serverRoutes(scope: FastifyInstance, version: string, checkReady: () => void): void {
  const metadata = {
    operationId: 'server_metadata',
    summary: 'Name, version and extensions',
    description: 'The protocol’s extensions that this server has.',
    answer: ServerMetadata,
  }
  const extensions = ['binary_tensor_data', 'classification', 'model_repository']
  constant(scope, 'GET', '', metadata, { name: 'kelvin', version, extensions })
  const slashed = { ...metadata, hide: true }
  constant(scope, 'GET', '/', slashed, { name: 'kelvin', version, extensions })
  const live = {
    operationId: 'server_live',
    summary: 'Is the server alive?',
    description: 'As GET /livez.',
    answer: Live,
  }
  constant(scope, 'GET', '/health/live', live, { live: true }, () => {})
  const ready = {
    operationId: 'server_ready',
    summary: 'Does the server take requests?',
    description: 'As GET /readyz.',
    answer: Ready,
  }
  constant(scope, 'GET', '/health/ready', ready, { ready: true }, checkReady)
  const list = {
    operationId: 'models',
    summary: 'List models',
    description: 'Their names, as in the URLs of models.',
    answer: ModelList,
  }
  constant(scope, 'GET', '/models', list, { models: models.map(({ name }) => name) })
  const index = {
    operationId: 'repository_index',
    summary: 'List models and their state',
    description:
      'As Triton’s model repository has it; every model is always there. A body is not read.',
    answer: RepositoryIndex,
  }
  const entries = models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' }))
  constant(scope, 'POST', '/repository/index', index, entries)
}

async function modelRoutes(
  scope: FastifyInstance,
  config: Config,
  model: Model,
  checkReady: () => void,
): Promise<void> {
  const { name, operation } = model
  const options = rowOptions(config)
  const decode = inferDecoder(model)
  const names = queryNames(operation)

  function* answer(sent: Infer, work: Work, asked = {}): Steps<InferAnswer> {
    const { request, warnings: warned } = decode(sent, asked, work.hold)
    const rows = yield* toRows(request, operation, options)
    work.decoded(rows)
    const about = { request: sent.request, model, warned }
    return yield* encodeInfer(about, rows, work.sample(rows), work.hold)
  }

  async function infer(request: FastifyRequest, reply: FastifyReply) {
    const limit = config.MAX_BODY_BYTES
    const asked = readQuery(request.query as Query, names)
    const jsonLength = headerLengthOf(request)
    const work = new Work(jsonLength === undefined ? 'infer_json' : 'infer_binary')
    request.work = work
    let body: InferBody | undefined
    try {
      await takeBody(request, reply, limit, (hold) => {
        body = new InferBody(jsonLength, announcedLength(request.raw, limit), limit, hold)
        return (piece) => body!.push(piece)
      })
      const { parts, lengths } = await work.run(answer(body!.end(), work, asked))
      const payload = await work.answer(reply, parts)
      reply.header('content-type', lengths ? 'application/octet-stream' : 'application/json')
      if (lengths) reply.header(HEADER_LENGTH, lengths.json)
      const encoding = compressorFor(request)
      if (encoding) {
        reply.header('content-encoding', encoding)
        return await compress(payload, encoding)
      }
      if (lengths) reply.header('content-length', lengths.all)
      return payload
    } finally {
      work.whenOver(() => body?.release())
    }
  }

  const body = new InferBody(undefined, undefined)
  body.push(Buffer.from(JSON.stringify(EXAMPLE)))
  const { result } = finish(answer(body.end(), new Work('infer_json')))
  const { parts } = finish(result.parts)
  const example = (value: unknown) => ({ five: { summary: 'Five logits, as JSON', value } })
  const examples = example(EXAMPLE)
  const answers = example(JSON.parse(parts.join('')))

  for (const url of [`/models/${name}`, `/models/${name}/versions/${model.version}`]) {
    const hide = url.includes('/versions/')
    const metadata = {
      operationId: `${name}_metadata`,
      summary: `Inputs and outputs of the model ${name}`,
      description: 'Parameters are left out, because clients take every input for needed.',
      answer: ModelMetadata,
      hide,
    }
    constant(scope, 'GET', url, metadata, describeModel(model))
    const ready = {
      operationId: `${name}_ready`,
      summary: `Does the model ${name} take requests?`,
      description: 'As GET /readyz.',
      answer: ModelReady,
      hide,
    }
    constant(scope, 'GET', `${url}/ready`, ready, { name, ready: true }, checkReady)
    const schema = {
      operationId: `${name}_infer`,
      summary: model.meaning,
      description:
        'The input `logits` is FP32, FP16, BF16 or FP64, [V] or [B, V]. Any field of /v1 that is a value or a list may be a ' +
        'request parameter (a list as text, with commas), or an input of its name with a value for each row; lists of ' +
        'different lengths are padded with negative numbers. Fields that are objects, such as `state`, are JSON text. FP32, FP16 ' +
        'and BF16 are read as the shortest decimals they stand for. With `Inference-Header-Content-Length` binary tensors follow ' +
        'the JSON; with 0 the body is one row of FP32. A query may have fields too; parameters and inputs win where both have one. Also at `/versions/1/infer`.',
      tags,
      hide,
      requestHeaders: headerLength(
        'How many bytes of the body are JSON, where tensors follow it. Omitted: all.',
      ),
      requestBody: {
        description: 'JSON, or JSON and the tensors that it describes.',
        content: {
          ...jsonContent(InferRequest, examples),
          ...octetContent('JSON, then binary tensors.'),
        },
      },
      response: {
        200: {
          description: 'The outputs',
          headers: {
            ...timing,
            ...headerLength('How many bytes are JSON. Only where tensors follow it.'),
          },
          content: {
            ...jsonContent(InferResponse, answers),
            ...octetContent('JSON, then binary tensors.'),
          },
        },
        ...failuresAt(400, 401, 413, 503),
      },
    }
    scope.post(`${url}/infer`, { schema }, infer)
  }
}
