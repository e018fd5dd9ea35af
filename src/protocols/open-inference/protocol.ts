import type { IncomingHttpHeaders } from 'node:http'
import Negotiator from 'negotiator'
import * as z from 'zod'
import { Problem } from '../../errors.ts'
import { queryNames, readQuery } from '../../request/query.ts'
import type { SharedMemory } from '../../shared-memory/shared-memory.ts'
import { type ContentEncoding, isContentEncoding } from '../content-encoding.ts'
import type { Failure, Protocol } from '../protocol.ts'
import { InferBody } from './body.ts'
import type { Model } from './models.ts'
import { inferDecoder } from './request.ts'
import { encodeInfer, type InferAsked, reportFor, wantedOf } from './response.ts'
import { withSharedInputs } from './shared-memory.ts'

export const HEADER_LENGTH = 'inference-header-content-length'

/** The length of the JSON in the body, in bytes; undefined if the whole body is JSON. */
function headerLengthOf(headers: IncomingHttpHeaders): number | undefined {
  const given = headers[HEADER_LENGTH]
  if (given === undefined) return undefined
  const length = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN
  const whole = Number(headers['content-length'] ?? Number.POSITIVE_INFINITY)
  if (length <= whole || (length >= 0 && headers['content-encoding'] !== undefined)) return length
  const detail = `Expected Inference-Header-Content-Length to be at most the length of the body, in bytes, got ${JSON.stringify(String(given).slice(0, 32))}`
  throw new Problem('INVALID_REQUEST', detail)
}

/**
 * The encoding that a client asks for by accepting no other. A client that accepts several gets none: numbers hardly
 * get smaller, and compressing them takes longer than sending them.
 */
function encodingFor(headers: IncomingHttpHeaders): ContentEncoding | undefined {
  if (headers['accept-encoding'] === undefined) return undefined
  const accepted = new Negotiator({ headers }).encodings()
  const [only = 'identity', ...others] = accepted.filter((encoding) => encoding !== 'identity')
  return others.length === 0 && isContentEncoding(only) ? only : undefined
}

export const InferError = z.object({ error: z.string() }).meta({
  title: 'InferError',
  description: 'Why a request of the Open Inference Protocol failed.',
})

/** Triton answers 400 where /v1 has 415 or 422, and its clients expect that. */
const statuses: Readonly<Record<number, number>> = { 415: 400, 422: 400 }
export const statusOf = (status: number): number => statuses[status] ?? status

const MAX_DETAIL = 1000

export function inferFailure({ message, statusCode }: Problem): Failure {
  const body = Buffer.from(JSON.stringify({ error: message.slice(0, MAX_DETAIL) }))
  return { status: statusOf(statusCode), type: 'application/json', body }
}

/** The Open Inference Protocol with Triton's binary tensors. Fields are parameters or inputs; results are outputs. */
export function inferProtocol(model: Model, sharedMemory: SharedMemory): Protocol<InferAsked> {
  const decode = inferDecoder(model)
  const names = queryNames(model.operation)
  return {
    read({ headers, query, length, limit }) {
      const asked = readQuery(query, names)
      const jsonLength = headerLengthOf(headers)
      const encoding = encodingFor(headers)
      return {
        transport: jsonLength === undefined ? 'infer_json' : 'infer_binary',
        open(hold) {
          const body = new InferBody(jsonLength, length, limit, hold)
          const use = sharedMemory.begin(headers, limit)
          return {
            push: (piece) => body.push(piece),
            end() {
              const sent = withSharedInputs(body.end(), use, hold)
              const { request, warnings: warned } = decode(sent, asked, hold)
              const { request: infer } = sent
              const wanted = wantedOf(infer, model, use)
              return { request, infer, model, wanted, warned, encoding }
            },
            release() {
              body.release()
              use.release()
            },
          }
        },
      }
    },
    reportOf:
      ({ wanted }) =>
      (_answer, vocabSize) =>
        reportFor(wanted, vocabSize),
    *write(asked, rows, results, hold) {
      const { parts, lengths } = yield* encodeInfer(asked, rows, results, hold)
      // Clients of the protocol compare the content type with exactly these strings.
      const type = lengths ? 'application/octet-stream' : 'application/json'
      const { encoding } = asked
      return {
        parts,
        headers: {
          'content-type': type,
          ...(lengths && { [HEADER_LENGTH]: lengths.json }),
          ...(encoding !== undefined && { 'content-encoding': encoding }),
          ...(lengths && encoding === undefined && { 'content-length': lengths.all }),
        },
      }
    },
    failure: inferFailure,
  }
}
