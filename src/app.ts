import type { Server } from 'node:http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import manifest from '../package.json' with { type: 'json' }
import { Admission } from './admission/admission.ts'
import { reportRefusals } from './admission/report.ts'
import { createServer, type Door } from './admission/server.ts'
import { endSlowRequests } from './admission/slowness.ts'
import type { Config } from './config.ts'
import { openLog } from './log.ts'
import { openAccess, registerAccess } from './plugins/access.ts'
import { registerCertificate } from './plugins/certificate.ts'
import { registerCors } from './plugins/cors.ts'
import { registerDocs } from './plugins/docs.ts'
import { registerMetrics } from './plugins/metrics.ts'
import { registerOpenapi, schemaController } from './plugins/openapi.ts'
import {
  answerClientError,
  registerPaths,
  registerProblems,
  sendError,
} from './plugins/problems.ts'
import { logWhenOver, RequestLog, registerRequestLog, requestId } from './plugins/request-log.ts'
import { registerShutdown } from './plugins/shutdown.ts'
import { signInRoutes } from './plugins/sign-in.ts'
import { problemFailure } from './protocols/problem.ts'
import { aboutRoutes } from './routes/about.ts'
import type { Api } from './routes/api.ts'
import { healthRoutes } from './routes/health.ts'
import { openInference } from './routes/open-inference.ts'
import { pageRoutes } from './routes/pages.ts'
import { v1 } from './routes/v1.ts'
import { DETERMINISM_VERSION } from './sampling/sample.ts'
import { SharedMemory } from './shared-memory/shared-memory.ts'

declare module 'fastify' {
  interface FastifyInstance {
    admission: Admission
    /** Each answers a small request at once, and returns the answer. */
    warmUps: (() => string)[]
    sharedMemory: SharedMemory
  }
}

const apis: readonly Api[] = [v1, openInference]

/** Answers a request that admission control refuses, before it has a route. */
const refuse: Door['send'] = (problem, request, response) => {
  const id = requestId(request)
  const api = apis.find(({ prefix }) => request.url!.startsWith(`${prefix}/`))
  const { status, type, body } = (api?.failure ?? problemFailure)(problem, id)
  response.writeHead(status, {
    'x-request-id': id,
    'content-type': type,
    'content-length': body.length,
  })
  response.end(body)
}

/** Routes for people: the playground, /docs and /openapi.json, under one access rule. */
async function documentation(scope: FastifyInstance): Promise<void> {
  scope.addHook('onRoute', (route) => {
    route.config = { ...route.config, access: 'docs', label: 'docs' }
  })
  scope.addHook('onRequest', (_request, reply, done) => {
    reply.headers({ 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' })
    done()
  })
  await registerDocs(scope)
  pageRoutes(scope)
}

/** Builds the app from admission control, plugins and routes. It does not listen yet. */
export async function buildApp(config: Config): Promise<FastifyInstance> {
  const admission = new Admission(config)
  const log: FastifyBaseLogger = openLog(config)
  const access = openAccess(config, log)
  const sharedMemory = new SharedMemory(config)
  const app: FastifyInstance = Fastify({
    loggerInstance: log,
    logController: new RequestLog(),
    genReqId: requestId,
    schemaController,
    requestIdHeader: false,
    // A name in a URL, such as that of a shared-memory region, may be percent-encoded.
    routerOptions: { maxParamLength: 1024 },
    bodyLimit: config.MAX_BODY_BYTES,
    serverFactory: (handle): Server =>
      createServer(config, admission, handle, { check: access.check, send: refuse }),
    clientErrorHandler: answerClientError,
    // Fastify runs no hooks for an invalid URL.
    frameworkErrors: (error, request, reply) => {
      logWhenOver(request, reply)
      return sendError(error, request, reply)
    },
  })
  app.decorate('admission', admission)
  app.decorate('warmUps', [])
  app.decorate('sharedMemory', sharedMemory)
  const stopReporting = reportRefusals(admission, app.log)
  const stopLooking = endSlowRequests(admission, config)
  app.addHook('onClose', () => {
    stopReporting()
    stopLooking()
    sharedMemory.close()
  })
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  registerPaths(app)
  registerRequestLog(app)
  // Register it before the first route that it describes.
  await registerOpenapi(app, manifest.version)
  if (config.METRICS_ACCESS !== 'off') {
    const about = { version: manifest.version, determinism_version: DETERMINISM_VERSION }
    registerMetrics(app, admission, about)
  }
  registerProblems(app)
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_SERVICE_NAME: service } = config
  if (endpoint) {
    const { registerTracing } = await import('./plugins/tracing.ts')
    registerTracing(app, { endpoint, service, version: manifest.version })
  }
  registerShutdown(app, admission)
  registerCertificate(app, config)
  if (config.CORS_ORIGINS) {
    await registerCors(
      app,
      config.CORS_ORIGINS,
      apis.flatMap(({ exposedHeaders }) => exposedHeaders),
    )
  }
  registerAccess(app, access)
  // Routes read bodies themselves, as they arrive.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  const { version } = manifest
  for (const api of apis) {
    await api.register(app, { config, admission, sharedMemory, version })
  }
  aboutRoutes(app, config, version)
  healthRoutes(app, admission)
  if (config.DOCS_ACCESS !== 'off') await app.register(documentation)
  if (config.DOCS_ACCESS === 'key')
    signInRoutes(app, { isSecure: config.TLS_CERT_FILE !== undefined })
  return app
}
