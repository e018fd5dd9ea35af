import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { Problem } from '../errors.ts'
import { jsonContent, octetContent, timing } from '../plugins/openapi.ts'
import { findRoute, sendError } from '../plugins/problems.ts'
import { InferRequest } from '../protocols/open-inference/inputs.ts'
import {
  describeModel,
  type Model,
  ModelMetadata,
  models,
} from '../protocols/open-inference/models.ts'
import { HEADER_LENGTH, inferFailure, inferProtocol } from '../protocols/open-inference/protocol.ts'
import { InferResponse } from '../protocols/open-inference/response.ts'
import type { Api, ApiContext } from './api.ts'
import { answerExample, answerRequest } from './exchange.ts'
import { checkReadiness } from './health.ts'
import { failuresAt, sendJson, tags } from './open-inference-answers.ts'
import { rowOptions } from './sampling.ts'
import { sharedMemoryRoutes } from './shared-memory.ts'

const ServerMetadata = z
  .object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .meta({ title: 'ServerMetadata', description: 'Name, version and extensions of the server.' })
const Live = z
  .object({ live: z.boolean() })
  .meta({ title: 'ServerLive', description: 'The server is alive.' })
const Ready = z
  .object({ ready: z.boolean() })
  .meta({ title: 'ServerReady', description: 'The server takes requests.' })
const ModelReady = z
  .object({ name: z.string(), ready: z.boolean() })
  .meta({ title: 'ModelReady', description: 'The model takes requests.' })
const ModelList = z
  .object({ models: z.array(z.string()) })
  .meta({ title: 'ModelList', description: 'The names of the models.' })
const RepositoryIndex = z
  .array(
    z
      .object({ name: z.string(), version: z.string(), state: z.string(), reason: z.string() })
      .meta({ title: 'ModelState', description: 'A model, and whether it takes requests.' }),
  )
  .meta({ description: 'The models and their state.' })

/** Throws if a URL under /v2 without a route names an unknown model or version. */
function checkModel({ url }: FastifyRequest): void {
  const [, given, version] = /\/models\/([^/?]+)(?:\/versions\/([^/?]+))?/.exec(url) ?? []
  if (given === undefined) return
  const quoted = JSON.stringify(given.slice(0, 64))
  const model = models.find(({ name }) => name === given)
  if (!model) {
    const known = models.map(({ name }) => name).join(' and ')
    throw new Problem('NOT_FOUND', `Unknown model ${quoted}: the models are ${known}`)
  }
  if (version !== undefined && version !== model.version) {
    throw new Problem(
      'NOT_FOUND',
      `Unknown version of model ${quoted}: the only version is ${model.version}`,
    )
  }
}

const EXAMPLE = {
  id: 'step-17',
  parameters: { temperature: 0.8, seed: 42 },
  inputs: [{ name: 'logits', shape: [1, 5], datatype: 'FP32', data: [2, 1, 0.5, -1, -3] }],
}

const headerLength = (description: string) => ({
  'Inference-Header-Content-Length': {
    description,
    schema: { type: 'integer' as const, minimum: 0 },
  },
})

const prefix = '/v2'

/** The Open Inference Protocol with binary tensors, for clients of Triton and KServe. */
export const openInference: Api = {
  prefix,
  exposedHeaders: [HEADER_LENGTH],
  failure: inferFailure,
  register,
}

async function register(app: FastifyInstance, context: ApiContext): Promise<void> {
  const checkReady = () => checkReadiness(context.admission)
  await app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers()
      // Accept any content type: some clients send none, and Triton ignores it.
      scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
      scope.setErrorHandler((error: FastifyError, request, reply) =>
        sendError(error, request, reply, inferFailure),
      )
      scope.setNotFoundHandler((request, reply) => {
        checkModel(request)
        return findRoute(app, request, reply)
      })
      serverRoutes(scope, context, checkReady)
      sharedMemoryRoutes(scope, context)
      for (const model of models) await modelRoutes(scope, context, model, checkReady)
    },
    { prefix },
  )
}

/** A route with a constant answer. `check` makes it a probe, and throws if the server is not ready. */
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
    200: { description: answer.description!, content: jsonContent(answer) },
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

function serverRoutes(
  scope: FastifyInstance,
  { sharedMemory, version }: ApiContext,
  checkReady: () => void,
): void {
  const metadata = {
    operationId: 'server_metadata',
    summary: 'Get the name, the version and the extensions of the server',
    description: '`extensions` are those of the protocol.',
    answer: ServerMetadata,
  }
  const extensions = ['binary_tensor_data', 'classification', 'model_repository']
  if (sharedMemory.isOn) extensions.push('system_shared_memory')
  constant(scope, 'GET', '', metadata, { name: 'kelvin', version, extensions })
  const slashed = { ...metadata, hide: true }
  constant(scope, 'GET', '/', slashed, { name: 'kelvin', version, extensions })
  const live = {
    operationId: 'server_live',
    summary: 'Check that the server is alive',
    description: 'The same as GET /livez.',
    answer: Live,
  }
  constant(scope, 'GET', '/health/live', live, { live: true }, () => {})
  const ready = {
    operationId: 'server_ready',
    summary: 'Check that the server takes requests',
    description: 'The same as GET /readyz.',
    answer: Ready,
  }
  constant(scope, 'GET', '/health/ready', ready, { ready: true }, checkReady)
  const list = {
    operationId: 'models',
    summary: 'List models',
    description: 'The names are those in the URLs of the models.',
    answer: ModelList,
  }
  constant(scope, 'GET', '/models', list, { models: models.map(({ name }) => name) })
  const index = {
    operationId: 'repository_index',
    summary: 'List models and their state',
    description:
      'The index of Triton’s model repository. Every model is always loaded. Kelvin ignores the body.',
    answer: RepositoryIndex,
  }
  const entries = models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' }))
  constant(scope, 'POST', '/repository/index', index, entries)
}

async function modelRoutes(
  scope: FastifyInstance,
  { config, sharedMemory }: ApiContext,
  model: Model,
  checkReady: () => void,
): Promise<void> {
  const { name, operation } = model
  const exchange = { operation, options: rowOptions(config), limit: config.MAX_BODY_BYTES }
  const protocol = inferProtocol(model, sharedMemory)
  const infer = (request: FastifyRequest, reply: FastifyReply) =>
    answerRequest(request, reply, protocol, protocol, exchange)
  const example = (value: unknown) => ({ five: { summary: 'Five logits, as JSON', value } })
  const examples = example(EXAMPLE)
  const answers = example(answerExample(EXAMPLE, protocol, exchange))

  for (const url of [`/models/${name}`, `/models/${name}/versions/${model.version}`]) {
    const hide = url.includes('/versions/')
    const metadata = {
      operationId: `${name}_metadata`,
      summary: `Get the inputs and outputs of the model ${name}`,
      description:
        'Lists only the input `logits`, because clients treat every input in the metadata as required.',
      answer: ModelMetadata,
      hide,
    }
    constant(scope, 'GET', url, metadata, describeModel(model))
    const ready = {
      operationId: `${name}_ready`,
      summary: `Check that the model ${name} takes requests`,
      description: 'The same as GET /readyz.',
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
        'different lengths are padded with negative numbers. Fields that are objects, such as `state`, are JSON text. Inputs of FP32, FP16 ' +
        'and BF16 are read as the shortest decimals that round to them. With `Inference-Header-Content-Length` binary tensors follow ' +
        'the JSON; with 0 the body is one row of FP32. A tensor may lie in shared memory, by the parameters `shared_memory_region`, `shared_memory_offset` and `shared_memory_byte_size` of an input or output. A query may have fields too; parameters and inputs win if both have one. Also at `/versions/1/infer`.',
      tags,
      hide,
      requestHeaders: headerLength(
        'Number of bytes of JSON in the body, if tensors follow it. Omitted: the whole body is JSON.',
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
          description: 'The outputs of the model',
          headers: {
            ...timing,
            ...headerLength('Number of bytes of JSON, if tensors follow it.'),
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
