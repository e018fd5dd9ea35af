import cluster from 'node:cluster'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Admission } from '../admission/admission.ts'
import { droppedLines } from '../log.ts'
import { chooseEncoding } from './encodings.ts'
import { problemResponses, textContent } from './openapi.ts'
import { phases, type Work } from './work.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route that metrics name instead of this one. */
    label?: string
  }
}

/** Buckets of durations, in seconds: from a row that is sampled at once to the time at which a client gives up. */
const SECONDS = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]
/** Buckets of sizes, in bytes: from a few numbers to the largest body by default. */
const BYTES = Array.from({ length: 9 }, (_, i) => 1024 * 4 ** i)

/** Default metrics whose names break the conventions. Other metrics say the same. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
]

/**
 * Requests wait to be counted until this many are over, or until the metrics are read. One after the other, they take a
 * fifth of the time.
 */
const MOST_WAITING = 256

export interface About {
  version: string
  determinism_version: number
}

type Metrics = ReturnType<typeof createMetrics>

/** Makes the metrics of one app. A process has only one app. */
function createMetrics(admission: Admission, about: About) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)

  const requests = new Counter({
    name: 'kelvin_http_requests_total',
    help: 'Requests answered or broken off, except those refused.',
    labelNames: ['method', 'route', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'kelvin_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['route', 'status'],
    buckets: SECONDS,
    registers,
  })
  const bodies = new Histogram({
    name: 'kelvin_http_request_body_bytes',
    help: 'Announced lengths of request bodies.',
    labelNames: ['route'],
    buckets: BYTES,
    registers,
  })
  const help = {
    decode: 'Time from the head of a request to its rows and fields, receiving included.',
    compute: 'Time in samplers and draws.',
    encode:
      'Time from results to the bytes of the answer, or to the first byte of an answer longer than 1 MiB.',
  }
  const took = phases.map((phase) => ({
    phase,
    histogram: new Histogram({
      name: `kelvin_${phase}_duration_seconds`,
      help: help[phase],
      labelNames: ['transport'],
      buckets: SECONDS,
      registers,
    }),
  }))
  const rows = new Counter({
    name: 'kelvin_rows_total',
    help: 'Rows of logits sampled.',
    labelNames: ['transport'],
    registers,
  })
  const tokens = new Counter({
    name: 'kelvin_tokens_drawn_total',
    help: 'Tokens drawn.',
    labelNames: ['transport'],
    registers,
  })
  const warnings = new Counter({
    name: 'kelvin_warnings_total',
    help: 'Warnings in answers, by code.',
    labelNames: ['code'],
    registers,
  })
  new Counter({
    name: 'kelvin_http_requests_refused_total',
    help: 'Requests refused because of overload, by the limit reached.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of admission.refused) this.inc({ reason }, count)
    },
  })
  new Counter({
    name: droppedLines.name,
    help: droppedLines.help,
    registers,
    collect() {
      this.reset()
      this.inc(droppedLines.count())
    },
  })
  const gauges: [name: string, help: string, value: () => number][] = [
    ['kelvin_queued_requests', 'Requests in the queue.', () => admission.waiting],
    [
      'kelvin_queue_wait_seconds',
      'Expected wait of a new request.',
      () => admission.expectedWait() / 1000,
    ],
    [
      'kelvin_inflight_requests',
      'Requests under way: read, computed or answered.',
      () => admission.underWay.size,
    ],
    [
      'kelvin_inflight_bytes',
      'Bytes that requests under way take, for bodies and answers.',
      () => admission.bytes,
    ],
  ]
  for (const [name, description, value] of gauges) {
    new Gauge({
      name,
      help: description,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  new Gauge({
    name: 'kelvin_build_info',
    help: 'Versions of what is running, as labels; always 1.',
    labelNames: ['version', 'determinism_version', 'node_version'],
    registers,
    aggregator: 'first',
  }).set({ ...about, node_version: process.version }, 1)

  function observe({ method, route, status, seconds, length, sampled }: Observation): void {
    requests.inc({ method, route, status })
    durations.observe({ route, status }, seconds)
    if (length > 0) bodies.observe({ route }, length)
    if (!sampled) return
    const { transport } = sampled
    for (const { phase, histogram } of took) {
      histogram.observe({ transport }, sampled.took[phase] / 1000)
    }
    rows.inc({ transport }, sampled.rows)
    tokens.inc({ transport }, sampled.tokens)
    for (const code of sampled.warnings) warnings.inc({ code })
  }

  let waiting: Observation[] = []

  function observeWaiting(): void {
    const all = waiting
    waiting = []
    for (const each of all) observe(each)
  }

  return {
    note(observation: Observation): void {
      waiting.push(observation)
      if (waiting.length === MOST_WAITING) observeWaiting()
    },
    contentType: registry.contentType,
    async text(): Promise<string> {
      observeWaiting()
      return registry.metrics()
    },
    /** The same as objects, for the primary process. */
    async share() {
      observeWaiting()
      return registry.getMetricsAsJSON()
    },
  }
}

/** What metrics need of a request that is over. */
interface Observation {
  readonly method: string
  readonly route: string
  readonly status: string
  readonly seconds: number
  /** Announced length of the body, in bytes. */
  readonly length: number
  readonly sampled: ReturnType<typeof countsOf> | undefined
}

/** The numbers of a request. The request itself would keep its logits in memory. */
const countsOf = ({ transport, rows, tokens, took, warnings }: Work) => ({
  transport,
  rows,
  tokens,
  took,
  warnings,
})

function observationOf(request: FastifyRequest, reply: FastifyReply): Observation {
  const { config, url } = request.routeOptions
  const { work } = request
  return {
    method: request.method,
    route: config.label ?? url ?? 'none',
    status: reply.raw.headersSent ? `${Math.floor(reply.statusCode / 100)}xx` : 'aborted',
    seconds: reply.elapsedTime / 1000,
    length: Number(request.headers['content-length'] ?? 0),
    sampled: work && work.rows > 0 ? countsOf(work) : undefined,
  }
}

/** Asks the primary process for the metrics of all workers, because only the primary process knows all of them. */
function askPrimary(): Promise<string> {
  const id = crypto.randomUUID()
  return new Promise((resolve) => {
    const listen = (message: { metrics?: string; id?: string }) => {
      if (message.id !== id) return
      process.off('message', listen)
      resolve(message.metrics!)
    }
    process.on('message', listen)
    process.send!({ wanted: 'metrics', id })
  })
}

/** Answers the primary process whenever it asks for this worker's share. */
function shareWithPrimary({ share: measure }: Metrics): void {
  process.on('message', async ({ wanted, id }: { wanted?: string; id?: string }) => {
    if (wanted !== 'share') return
    const share = await measure()
    if (process.connected) process.send!({ share, id })
  })
}

const compress = promisify<string, Buffer>(gzip)

/** GET /metrics, in the text format of Prometheus. */
export function registerMetrics(app: FastifyInstance, admission: Admission, about: About): void {
  const metrics = createMetrics(admission, about)
  if (cluster.isWorker) shareWithPrimary(metrics)
  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => metrics.note(observationOf(request, reply)))
    done()
  })
  app.get(
    '/metrics',
    {
      config: { access: 'metrics' },
      schema: {
        operationId: 'metrics',
        summary: 'Get metrics',
        description:
          'Metrics in the text format of Prometheus, compressed for clients that accept gzip.',
        tags: ['health'],
        response: {
          200: { description: 'The metrics', content: textContent('Samples, one on each line.') },
          ...problemResponses(400, 401, 503),
        },
      },
    },
    async (request, reply) => {
      reply.header('content-type', metrics.contentType)
      const text = await (cluster.isWorker ? askPrimary() : metrics.text())
      const encoding = chooseEncoding(request, reply, ['gzip'])
      return encoding === 'gzip' ? compress(text) : text
    },
  )
}
