import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { endWith, shortenDrain } from '../admission/drain.ts'
import { retryHeaders } from '../admission/refusals.ts'
import { Problem, type ProblemCode, problems } from '../errors.ts'
import { PROBLEM_TYPE, problemFailure, toDocument } from '../protocols/problem.ts'
import type { Failure } from '../protocols/protocol.ts'
import { nearest } from '../request/suggest.ts'
import { findAmbiguity } from './heads.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The paths of all routes, by their `tidy` form. */
    paths: Map<string, string>
  }
  interface FastifyReply {
    /** The problem that was answered, for the log line of the request. */
    problem?: { code: string; message: string }
  }
}

/** Codes for the errors of Fastify and Node. */
const fastifyCodes: Record<string, ProblemCode> = {
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'BODY_INCOMPLETE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'EMPTY_BODY',
  FST_ERR_BAD_URL: 'INVALID_URL',
  FST_ERR_MAX_PARAM_LENGTH: 'INVALID_URL',
  ECONNRESET: 'BODY_INCOMPLETE',
  // The client disconnected before a streamed answer began. Nobody reads this problem.
  ERR_STREAM_PREMATURE_CLOSE: 'BODY_INCOMPLETE',
}

function toProblem(error: FastifyError | Problem, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const limit = request.routeOptions.bodyLimit
    return new Problem('BODY_TOO_LARGE', `The limit is ${limit} bytes`)
  }
  const code = fastifyCodes[error.code]
  // Fastify's message has the whole URL, and the detail goes into the log.
  if (code === 'INVALID_URL') return new Problem(code, problems[code][1])
  if (code) return new Problem(code, error.message)
  const status = error.statusCode ?? 500
  if (status < 500) return new Problem('INVALID_REQUEST', error.message)
  return new Problem(
    'INTERNAL_ERROR',
    'Internal error: the server log has the cause under this request id',
  )
}

/** Answers with an error, in the format of a protocol. */
export function sendError(
  error: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
  failure: (problem: Problem, requestId: string) => Failure = problemFailure,
): FastifyReply {
  const problem = toProblem(error, request)
  if (problem.code === 'INTERNAL_ERROR') request.log.error({ err: error }, 'internal error')
  reply.headers(problem.headers).headers(retryHeaders(problem))
  if (problem.code === 'REQUEST_TIMEOUT') {
    reply.header('connection', 'close')
    shortenDrain(request.raw.socket)
  }
  reply.problem = problem
  const { status, type, body } = failure(problem, request.id)
  return reply.code(status).header('content-type', type).send(body)
}

const clientDetails: Partial<Record<ProblemCode, string>> = {
  HEADERS_TOO_LARGE: `URL and headers together may take ${maxHeaderSize} bytes; send long lists in a JSON body instead of the query`,
}

/** Answers an error of the HTTP parser. There is no request or reply object, only a socket. */
export function answerClientError(
  error: Error & { code?: string; reason?: string },
  socket: Socket,
): void {
  if (error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const codes: Record<string, ProblemCode> = {
    HPE_HEADER_OVERFLOW: 'HEADERS_TOO_LARGE',
    HPE_INVALID_EOF_STATE: 'BODY_INCOMPLETE',
    ERR_HTTP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  }
  const code = codes[error.code ?? ''] ?? 'INVALID_HTTP'
  if (code === 'REQUEST_TIMEOUT') shortenDrain(socket)
  const [, title] = problems[code]
  const reason = code === 'INVALID_HTTP' && error.reason ? `${title}: ${error.reason}` : title
  const document = toDocument(new Problem(code, clientDetails[code] ?? reason), '')
  const body = JSON.stringify(document)
  endWith(
    socket,
    `HTTP/1.1 ${document.status} ${STATUS_CODES[document.status]}\r\n` +
      `Content-Type: ${PROBLEM_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}

/** Collects the paths of all routes, which an unknown path is compared with. Call it before the first route. */
export function registerPaths(app: FastifyInstance): void {
  app.decorate('paths', new Map<string, string>())
  app.addHook('onRoute', ({ url }) => {
    if (!isPattern(url)) app.paths.set(tidy(url), url)
  })
}

/** Turns every error into an answer, and refuses ambiguous requests. */
export function registerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply))
  app.setNotFoundHandler((request, reply) => findRoute(app, request, reply))
  // No route has the method QUERY. If it counted as one with a body, Fastify would check the content type before the method.
  app.addHttpMethod('QUERY', { hasBody: false, overrideExisting: true })
  app.addHook('onRequest', ({ raw }, reply, done) => {
    const ambiguity = findAmbiguity(raw)
    // The end of the request is not certain, so the connection cannot be used again.
    if (ambiguity) reply.header('connection', 'close')
    const lacksHost = raw.httpVersion === '1.1' && raw.headers.host === undefined
    const fault = ambiguity ?? (lacksHost ? 'Expected a Host header' : undefined)
    done(fault ? new Problem('INVALID_HTTP', fault) : undefined)
  })
}

/** A path longer than this is not compared with routes. */
const LONGEST_PATH = 256

/** Whether a path looks like a route pattern. `hasRoute` takes a pattern, so such a path must not be looked up. */
const isPattern = (path: string) => /[:*]/.test(path)

/** Throws the problem for a request without a route. It names the methods of the URL, or a similar path. */
export function findRoute(
  app: FastifyInstance,
  { method, url }: FastifyRequest,
  reply: FastifyReply,
): never {
  const path = url.split('?')[0]!
  const answers = (candidate: string, at: string) => app.hasRoute({ method: candidate, url: at })
  const allowed = app.supportedMethods.filter(
    (candidate) => !isPattern(path) && answers(candidate, path),
  )
  const paths = [...app.paths.values()]
  const [below] = paths.filter((at) => at.startsWith(`${path}/`) && answers(method, at))
  if (allowed.length > 0) {
    reply.header('allow', allowed.join(', '))
    const hint = below ? `, or did you mean ${below}?` : ''
    const detail = `Cannot ${method} ${path}: use ${allowed.join(' or ')}${hint}`
    throw new Problem('METHOD_NOT_ALLOWED', detail)
  }
  const same = path.length > LONGEST_PATH ? undefined : app.paths.get(tidy(path))
  const [near] = nearest(
    path,
    paths.filter((at) => answers(method, at)),
  )
  const guess = same ?? near
  const list = answers('GET', '/docs') ? '/docs lists all URLs' : 'there is no such URL'
  const hint = guess ? `did you mean ${guess}?` : list
  throw new Problem('NOT_FOUND', `Cannot ${method} ${path}: ${hint}`)
}

/** A path in lower case, without repeated slashes and slashes at its ends. */
function tidy(path: string): string {
  return path.toLowerCase().split('/').filter(Boolean).join('/')
}
