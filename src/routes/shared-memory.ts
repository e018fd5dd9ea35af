import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { Problem } from '../errors.ts'
import { jsonContent, textHeader } from '../plugins/openapi.ts'
import { takeBody, Work } from '../plugins/work.ts'
import { JsonBody } from '../protocols/json/body.ts'
import { validate } from '../request/validate.ts'
import type { ApiContext } from './api.ts'
import { failuresAt, sendJson, tags } from './open-inference-answers.ts'

/** Triton's extension for system shared memory: regions of files, which inputs and outputs name. */

const key = z.string().meta({
  description: 'Name of the file in SHARED_MEMORY_DIR, or of the object of shm_open.',
})

const RegisterRegion = z
  .strictObject({
    key,
    offset: z.int().min(0).default(0).meta({
      description: 'Where the region begins in the file, in bytes. Omitted: 0.',
    }),
    byte_size: z.int().min(1).meta({ description: 'Number of bytes of the region.' }),
  })
  .meta({ title: 'RegisterRegion', description: 'A part of a file.' })

const SharedRegion = z
  .object({ name: z.string(), key, offset: z.int(), byte_size: z.int() })
  .meta({ title: 'SharedRegion', description: 'A registered region.' })
const Regions = z.array(SharedRegion).meta({ description: 'The registered regions.' })

const EXAMPLE = { key: '/logits', offset: 0, byte_size: 513_024 }

const pathParameters = { name: textHeader('Name of the region.') }

/** Largest body of a registration, in bytes. */
const LIMIT = 2 ** 16

/** Reads a JSON body. */
async function readJson(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const work = new Work('shared_memory')
  request.work = work
  const body = new JsonBody(LIMIT)
  try {
    await takeBody(request, reply, LIMIT, () => (piece) => body.push(piece))
    return body.end()
  } finally {
    work.whenOver(() => body.release())
  }
}

type Named = FastifyRequest<{ Params: { name?: string } }>

const quote = (name: string) => JSON.stringify(name.slice(0, 64))

/** Throws a problem about a region, or about all. */
const faultAt = (name: string | undefined) => (detail: string) => {
  const place = name === undefined ? '' : `region ${quote(name)}: `
  throw new Problem('SHARED_MEMORY_UNAVAILABLE', place + detail)
}

export function sharedMemoryRoutes(scope: FastifyInstance, { sharedMemory }: ApiContext): void {
  const ownerOf = ({ headers }: FastifyRequest) => sharedMemory.ownerOf(headers)
  const prefix = '/systemsharedmemory'
  const region = `${prefix}/region/:name`

  function answers(answer: z.ZodType, example: unknown, ...failures: number[]) {
    const examples = { row: { summary: answer.description!, value: example } }
    return {
      200: { description: answer.description!, content: jsonContent(answer, examples) },
      ...failuresAt(400, 401, ...failures, 503),
    }
  }

  const status = {
    description: 'With API keys, a client sees only the regions that were registered with its key.',
    tags,
    response: answers(Regions, [{ name: 'logits', ...EXAMPLE }]),
  }
  const all = { ...status, operationId: 'shared_memory', summary: 'List shared-memory regions' }
  scope.get(`${prefix}/status`, { schema: all }, (request, reply) =>
    sendJson(reply, sharedMemory.list(ownerOf(request), undefined, faultAt(undefined))),
  )

  const one = {
    ...status,
    operationId: 'shared_memory_region',
    pathParameters,
    summary: 'Get a shared-memory region',
    response: answers(Regions, [{ name: 'logits', ...EXAMPLE }], 404),
  }
  scope.get(`${region}/status`, { schema: one }, (request: Named, reply) => {
    const { name } = request.params
    const found = sharedMemory.list(ownerOf(request), name, faultAt(name))
    if (found.length > 0) return sendJson(reply, found)
    throw new Problem('NOT_FOUND', `Unknown shared-memory region ${quote(name!)}`)
  })

  const register = {
    operationId: 'register_shared_memory',
    pathParameters,
    summary: 'Register a shared-memory region',
    description:
      'Inputs and outputs name the region in `shared_memory_region`. With API keys, it belongs to the key that registers it.',
    tags,
    requestBody: {
      description: 'A part of a file.',
      content: jsonContent(RegisterRegion, {
        row: { summary: 'A row of 128,256 float32 logits', value: EXAMPLE },
      }),
    },
    response: answers(SharedRegion, { name: 'logits', ...EXAMPLE }, 413),
  }
  scope.post(`${region}/register`, { schema: register }, async (request: Named, reply) => {
    const name = request.params.name!
    const part = validate(RegisterRegion, await readJson(request, reply))
    const region = { name, ...part }
    await sharedMemory.register(ownerOf(request), region, faultAt(name))
    return sendJson(reply, region)
  })

  async function unregister(request: Named, reply: FastifyReply) {
    request.raw.resume()
    const { name } = request.params
    const owner = ownerOf(request)
    await sharedMemory.unregister(owner, name, faultAt(name))
    return sendJson(reply, sharedMemory.list(owner, undefined, faultAt(name)))
  }
  const end = {
    operationId: 'unregister_shared_memory',
    summary: 'Unregister a shared-memory region',
    description:
      'A name that is not registered is no error. The answer has the regions that are left. Kelvin ignores the body.',
    tags,
    response: answers(Regions, []),
  }
  scope.post(`${region}/unregister`, { schema: { ...end, pathParameters } }, unregister)
  const endAll = {
    ...end,
    operationId: 'unregister_all_shared_memory',
    summary: 'Unregister all shared-memory regions',
    description:
      'With API keys, those that were registered with the key of the request. Kelvin ignores the body.',
  }
  scope.post(`${prefix}/unregister`, { schema: endAll }, unregister)
  cudaRoutes(scope)
}

/** Memory of a GPU, which Kelvin does not have. Clients of Triton ask to unregister all of it before they begin. */
function cudaRoutes(scope: FastifyInstance): void {
  const prefix = '/cudasharedmemory'
  const none = (request: FastifyRequest, reply: FastifyReply) => {
    request.raw.resume()
    return sendJson(reply, [])
  }
  const schema = { hide: true }
  scope.get(`${prefix}/status`, { schema }, none)
  scope.post(`${prefix}/unregister`, { schema }, none)
  scope.post(`${prefix}/region/:name/unregister`, { schema }, none)
  scope.post(`${prefix}/region/:name/register`, { schema }, (request) => {
    request.raw.resume()
    faultAt(undefined)('Kelvin has no memory of a GPU; register system shared memory')
  })
}
