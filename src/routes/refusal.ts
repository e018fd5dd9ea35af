import type { Door } from '../admission/server.ts'
import { PROBLEM_TYPE, problemBody } from '../plugins/problems.ts'
import { requestId } from '../plugins/request-log.ts'
import { failureBody, PREFIX } from './open-inference.ts'

/** What a request is told that does not get as far as a route. */
export const sendRefusal: Door['send'] = (problem, request, response) => {
  const id = requestId(request)
  const [type, body] = request.url!.startsWith(`${PREFIX}/`)
    ? ['application/json', failureBody(problem)]
    : [PROBLEM_TYPE, problemBody(problem, id)]
  response.writeHead(problem.statusCode, {
    'x-request-id': id,
    'content-type': type,
    'content-length': body.length,
  })
  response.end(body)
}
