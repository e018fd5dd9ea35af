import cluster from 'node:cluster'
import { flushCompileCache } from 'node:module'
import type { Server } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { acceptLast, GRACE_MS, stopListening } from '../admission/drain.ts'
import { buildApp } from '../app.ts'
import { type Config, ConfigError } from '../config.ts'
import { answerBeats } from './heartbeat.ts'
import { listen } from './listen.ts'
import { joinRegions } from './shared-regions.ts'
import { warmUp } from './warm-up.ts'

/** Signals that a terminal or a service manager may send to all processes of a group. */
const groupSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/** Ends the process on a signal, after the requests under way are answered. */
function endWithGrace(config: Config, app: FastifyInstance, others: Server[]): void {
  const { close } = closeWithGrace(
    {
      delay: config.SHUTDOWN_DELAY_MS + config.SHUTDOWN_TIMEOUT_MS,
      logger: app.log,
      skip: cluster.isWorker ? [...groupSignals] : [],
    },
    async ({ signal, err }) => {
      if (err) app.log.fatal({ err }, 'shutting down after an error')
      else app.log.info({ signal }, 'shutting down: finishing the requests under way')
      app.admission.phase = 'draining'
      if (!err) await setTimeout(config.SHUTDOWN_DELAY_MS)
      await acceptLast(app.server)
      const closed = stopListening(app.server, others)
      // Still answer requests that are on their way on idle connections.
      if (!err) await Promise.race([closed, setTimeout(2 * GRACE_MS)])
      await app.close()
      await closed
    },
  )
  if (!cluster.isWorker) return
  // A worker ignores a second signal, because it may get one from its process group and one from the primary process. On
  // a second signal, the primary process kills the workers.
  let ending = false
  for (const signal of groupSignals) {
    process.on(signal, () => {
      if (!ending) close()
      ending = true
    })
  }
}

async function build(config: Config): Promise<FastifyInstance> {
  try {
    return await buildApp(config)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`Cannot start, because the configuration has errors:\n${error.message}`)
    process.exit(1)
  }
}

/** Answers requests in this process, which is a worker or the only process. */
export async function serve(config: Config): Promise<void> {
  // Bodies are outside of V8's heap. By default V8 marks its whole heap after every few tens of megabytes of external
  // memory, even if that was freed. With this flag, external memory counts towards the limit of the whole heap.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  const app = await build(config)
  const others: Server[] = []
  endWithGrace(config, app, others)
  try {
    await app.ready()
    if (cluster.isWorker && app.sharedMemory.isOn) await joinRegions(app.sharedMemory)
    const addresses = await listen(config, app.server, others)
    if (cluster.isWorker) {
      answerBeats()
      cluster.worker!.send({ addresses })
    } else for (const address of addresses) app.log.info(`Server listening at ${address}`)
    // Node writes its compile cache at exit too, but a process may be killed.
    setImmediate(flushCompileCache)
  } catch (error) {
    app.log.fatal({ err: error }, 'cannot listen')
    process.exit(1)
  }
  await warmUp(app)
}
