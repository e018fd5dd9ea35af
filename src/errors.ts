/**
 * Every error that a client can get: its code, HTTP status and title.
 * 400: the request does not fit its schema. 422: it fits, but its numbers admit no answer.
 */
export const problems = {
  INVALID_JSON: [400, 'The body is not valid JSON'],
  INVALID_REQUEST: [400, 'The request does not fit its schema'],
  INVALID_URL: [400, 'The request URL is malformed'],
  INVALID_HTTP: [400, 'The request is not valid HTTP'],
  EMPTY_BODY: [400, 'The body is empty'],
  INVALID_ENCODING: [400, 'The body cannot be decompressed'],
  BODY_INCOMPLETE: [400, 'The body ended before its announced length'],
  UNAUTHORIZED: [401, 'The request has no accepted API key'],
  SITE_NOT_ALLOWED: [403, 'The Host or Origin of the request is not allowed'],
  NOT_FOUND: [404, 'There is nothing at this URL'],
  METHOD_NOT_ALLOWED: [405, 'This URL does not answer this method'],
  NOT_ACCEPTABLE: [406, 'The server cannot answer in a content type that the request accepts'],
  REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
  BODY_TOO_LARGE: [413, 'The body is larger than the limit'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'The content type of the body is not supported'],
  UNSUPPORTED_ENCODING: [415, 'The content encoding of the body is not supported'],
  LOGITS_NOT_FINITE: [422, 'A logit is NaN or +Infinity'],
  LOG_Z_TOO_SMALL: [422, 'A log_z is smaller than ln Σ e^logit of the given logits'],
  NO_TOKEN_LEFT: [422, 'No token is left to choose from'],
  TOO_FEW_TOKENS: [422, 'Fewer tokens are left than the request draws'],
  HISTORY_TOO_LARGE: [422, 'The histories of all rows together exceed the limit'],
  ANSWER_TOO_LARGE: [422, 'The answer would exceed the limit'],
  WORK_TOO_LARGE: [422, 'The work for the rows would exceed the limit'],
  SHARED_MEMORY_UNAVAILABLE: [422, 'The shared memory cannot be read or written'],
  TOO_MANY_ROWS: [422, 'The batch has more rows than the limit'],
  TOKEN_ID_OUT_OF_RANGE: [422, 'A token id lies outside the vocabulary'],
  VOCABULARY_MISMATCH: [422, 'The length of a value does not match the vocabulary'],
  VOCABULARY_TOO_LARGE: [422, 'The vocabulary is larger than the limit'],
  HEADERS_TOO_LARGE: [431, 'The request headers are larger than the limit'],
  INTERNAL_ERROR: [500, 'The server failed to answer'],
  OVERLOADED: [503, 'The server is overloaded'],
  SHUTTING_DOWN: [503, 'The server is shutting down'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof problems

/** One fault in a request: where it is, as a JSON pointer into the body, and what is wrong there. */
export interface Fault {
  pointer: string
  detail: string
}

/** A request that cannot be answered, and why. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly faults: readonly Fault[]
  /** Headers of the answer that tell the client what to do, such as `Accept`. */
  headers: Readonly<Record<string, string>> = {}
  /** Time after which the client may try again, in milliseconds. Omitted if that would not help. */
  retryAfterMs?: number

  constructor(code: ProblemCode, detail: string, faults: readonly Fault[] = []) {
    // Omit the stack trace: nobody reads it, and it would take longer than the rest of a refusal.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(detail)
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.statusCode = problems[code][0]
    this.faults = faults
  }
}

/** A path in the body as a JSON pointer (RFC 6901). Long keys are cut. */
export function toPointer(path: readonly PropertyKey[]): string {
  return path
    .map((key) => `/${String(key).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('')
}

/** A problem with a single fault. */
export function problemAt(
  code: ProblemCode,
  path: readonly PropertyKey[],
  detail: string,
): Problem {
  const pointer = toPointer(path)
  return new Problem(code, `${pointer}: ${detail}`, [{ pointer, detail }])
}
