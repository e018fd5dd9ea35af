import { gunzipSync } from 'node:zlib'
import * as z from 'zod'
import { ProbabilitiesResponse, SampleResponse } from '../../src/protocols/json/response.ts'
import { InferResponse } from '../../src/protocols/open-inference/response.ts'
import { ProblemDocument } from '../../src/protocols/problem.ts'
import type { Answer } from './wire.ts'

/** Checks that an answer is valid: its status, headers and body. */

const root = new URL('../..', import.meta.url).pathname

/** The longest error answer, in bytes. */
const LONGEST_PROBLEM = 8192

const Failure = z.strictObject({ error: z.string().min(1).max(1000) })

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}

/** A stack trace, or a path of the server's files. */
function betrays(text: string): boolean {
  return text.includes(root) || /node_modules|node:internal|\\n\s+at /.test(text)
}

function faultOfError({ status, headers, body }: Answer): string | undefined {
  if (status >= 500 && status !== 503) return 'a status that is the server’s fault'
  if (body.length >= LONGEST_PROBLEM) return `a problem of ${body.length} bytes`
  if (betrays(body.toString())) return 'what is nobody’s business'
  // The answer to HEAD has no body.
  if (body.length === 0 && Number(headers.get('content-length')) > 0) return undefined
  const isProblem = headers.get('content-type') === 'application/problem+json'
  const Schema = isProblem ? ProblemDocument : Failure
  const { success } = Schema.safeParse(parseJson(body))
  return success ? undefined : 'an error that is no problem document'
}

/** Checks binary data after the JSON: float32 without NaN. */
function hasNumbers(answer: z.output<typeof InferResponse>, binary: Buffer): boolean {
  let at = 0
  return answer.outputs.every(({ datatype, parameters }) => {
    const size = parameters?.binary_data_size
    if (size === undefined) return true
    const bytes = binary.subarray(at, at + size)
    at += size
    if (datatype !== 'FP32') return true
    return new Float32Array(new Uint8Array(bytes).buffer).every(Number.isFinite)
  })
}

function faultOfInference({ headers, body }: Answer): string | undefined {
  const length = Number(headers.get('inference-header-content-length') ?? body.length)
  const parsed = InferResponse.safeParse(parseJson(body.subarray(0, length)))
  if (!parsed.success) return 'an answer that is none of the protocol'
  return hasNumbers(parsed.data, body.subarray(length)) ? undefined : 'a number that is not finite'
}

const faultOfResult: Record<string, (answer: Answer) => string | undefined> = {
  '/v1/sample': ({ body }) => faultOfJson(SampleResponse, body),
  '/v1/probabilities': ({ headers, body }) => {
    if (headers.get('content-type')!.startsWith('application/json'))
      return faultOfJson(ProbabilitiesResponse, body)
    const numbers = new Float32Array(new Uint8Array(body).buffer)
    return numbers.every((p) => p >= 0 && p <= 1) ? undefined : 'a probability that is none'
  },
  '/v2/models/sample/infer': faultOfInference,
  '/v2/models/probabilities/infer': faultOfInference,
}

/** Checks numbers: all are finite, and none is null where the schema has a number. */
function faultOfJson(Schema: z.ZodType, body: Buffer): string | undefined {
  const { error } = Schema.safeParse(parseJson(body))
  return error && `an answer that is not as documented: ${error.message}`
}

function decompressed(answer: Answer): Answer {
  const isCompressed = answer.headers.get('content-encoding') === 'gzip' && answer.body.length > 0
  return isCompressed ? { ...answer, body: gunzipSync(answer.body) } : answer
}

/** Describes the fault of an answer, if any. `path` is that of the request, if it is known. */
export function faultOf(received: Answer, path?: string): string | undefined {
  const answer = decompressed(received)
  const fault =
    answer.status >= 400
      ? faultOfError(answer)
      : path !== undefined && answer.status === 200
        ? faultOfResult[path]?.(answer)
        : undefined
  return fault && `${answer.status} with ${fault}: ${answer.body.toString('latin1', 0, 400)}`
}
