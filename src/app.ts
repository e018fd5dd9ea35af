import Fastify, { type FastifyInstance } from 'fastify'
import manifest from '../package.json' with { type: 'json' }
import type { Config } from './config.ts'
import { registerAdmission } from './plugins/admission.ts'
import { registerBodies } from './plugins/bodies.ts'
import { registerDocs } from './plugins/docs.ts'
import { registerOpenapi } from './plugins/openapi.ts'
import { answerClientError, registerProblems, sendProblem } from './plugins/problems.ts'
import { RequestLog, requestId } from './plugins/request-log.ts'
import { registerShutdown } from './plugins/shutdown.ts'
import { aboutRoutes } from './routes/about.ts'
import { healthRoutes } from './routes/health.ts'
import { openInferenceRoutes } from './routes/open-inference.ts'
import { pageRoutes } from './routes/pages.ts'
import { probabilitiesRoute } from './routes/probabilities.ts'
import { sampleRoute } from './routes/sample.ts'

/** The wiring: plugins, then routes. It listens on nothing. */
export async function buildApp(config: Config): Promise<FastifyInstance> {
  const app: FastifyInstance = Fastify({
    logger: { level: config.LOG_LEVEL },
    logController: new RequestLog(),
    genReqId: requestId,
    requestIdHeader: false,
    bodyLimit: config.MAX_BODY_BYTES,
    requestTimeout: config.REQUEST_TIMEOUT_MS,
    keepAliveTimeout: config.KEEP_ALIVE_TIMEOUT_MS,
    connectionTimeout: config.REQUEST_TIMEOUT_MS,
    // Node bounds the time for headers by the one for requests only if told of it here, and takes the
    // longer one for both parts if it is not. It would look for late requests every 30 seconds.
    http: {
      requestTimeout: config.REQUEST_TIMEOUT_MS,
      headersTimeout: config.HEADERS_TIMEOUT_MS || config.REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: 1000,
    },
    forceCloseConnections: 'idle',
    clientErrorHandler: answerClientError,
    frameworkErrors: (error, request, reply) => sendProblem(error, request, reply),
  })
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  registerShutdown(app)
  registerProblems(app)
  registerBodies(app)
  registerAdmission(app, config)
  await registerOpenapi(app, manifest.version)
  await registerDocs(app)

  await sampleRoute(app, config)
  await probabilitiesRoute(app, config)
  await openInferenceRoutes(app, config, manifest.version)
  aboutRoutes(app, config, manifest.version)
  healthRoutes(app)
  pageRoutes(app)
  return app
}
