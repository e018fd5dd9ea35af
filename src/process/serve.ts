import cluster from 'node:cluster'
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

/** What a terminal or a service manager may send to every process of a group at once. */
const groupSignals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/** Ends the process when it is asked to, after the requests under way. */
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
      // What is on its way to a connection without a request is still answered.
      if (!err) await Promise.race([closed, setTimeout(2 * GRACE_MS)])
      await app.close()
      await closed
    },
  )
  if (!cluster.isWorker) return
  // A second signal is impatience in a process by itself. A worker may get one of its group and
  // then that of the primary process, which is the one to be impatient.
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
    console.error(`Cannot start: the configuration has faults:\n${error.message}`)
    process.exit(1)
  }
}

/** Answers requests in this process, which is the only one or a worker. */
export async function serve(config: Config): Promise<void> {
  // Bodies are memory outside of V8's heap, and by default V8 marks its whole heap whenever a few tens of
  // megabytes of them have come, be they let go or not. This has it weigh them with all the rest.
  setFlagsFromString('--external-memory-accounted-in-global-limit')
  const app = await build(config)
  const others: Server[] = []
  endWithGrace(config, app, others)
  try {
    await app.ready()
    const addresses = await listen(config, app.server, others)
    if (cluster.isWorker) {
      answerBeats()
      cluster.worker!.send({ addresses })
    } else for (const address of addresses) app.log.info(`Server listening at ${address}`)
  } catch (error) {
    app.log.fatal({ err: error }, 'cannot listen')
    process.exit(1)
  }
}
