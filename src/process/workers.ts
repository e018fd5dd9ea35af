import cluster, { type Worker } from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import type { Config } from '../config.ts'
import { openLog } from '../log.ts'
import { watchWorker } from './heartbeat.ts'
import { keepRegions } from './shared-regions.ts'
import { gatherMetrics } from './worker-metrics.ts'

/** Delay before a worker is replaced, in milliseconds. It doubles each time, from the first to the last. */
const FIRST_DELAY_MS = 100
const LAST_DELAY_MS = 10_000

/** After a worker that lived this long, in milliseconds, the delay starts again from the first. */
const STEADY_MS = 60_000

/** Extra time that the primary process waits at shutdown, in milliseconds, so that workers can log their own timeout. */
const PATIENCE_MS = 1_000

/** Starts the workers, replaces those that die, and ends when they have ended. It sees no requests. */
export function superviseWorkers(config: Config): void {
  const log = openLog(config)
  const workers = new Set<Worker>()
  const listening = new Set<Worker>()
  const announced = new Set<string>()
  const shareRegions = keepRegions()
  let port: string | undefined
  let delay = FIRST_DELAY_MS
  let ending = false
  let failed = false

  function announce(addresses: string[]) {
    for (const address of addresses.filter((each) => !announced.has(each))) {
      announced.add(address)
      log.info(`Server listening at ${address}`)
    }
    if (listening.size < config.WORKERS) return
    const pids = [...listening].map((worker) => worker.process.pid)
    log.info({ pids }, `${listening.size} workers are listening`)
  }

  function replace(lived: number) {
    if (lived >= STEADY_MS) delay = FIRST_DELAY_MS
    setTimeout(() => ending || start(), delay)
    delay = Math.min(2 * delay, LAST_DELAY_MS)
  }

  function start(): Worker {
    // With port 0, all workers use the port that the first one got.
    const worker = cluster.fork(port === undefined ? {} : { PORT: port })
    const since = performance.now()
    workers.add(worker)
    shareRegions(worker)
    worker.on('message', (message: { addresses?: string[]; wanted?: 'metrics'; id?: string }) => {
      if (message.wanted) void sendMetrics(worker, message.id!)
      const { addresses } = message
      if (!addresses) return
      listening.add(worker)
      watchWorker(worker, () => {
        log.error({ worker: worker.process.pid }, 'killing a worker that does not answer')
        worker.process.kill('SIGKILL')
      })
      const isFirst = announced.size === 0
      port ??= addresses.map((address) => /:(\d+)$/.exec(address)?.[1]).find(Boolean)
      announce(addresses)
      if (isFirst) for (let i = 1; i < config.WORKERS; i++) start()
    })
    function ended(code: number | null, signal: string | null) {
      workers.delete(worker)
      const hadListened = listening.delete(worker)
      if (ending) {
        // A worker that was still starting has no handler yet, and the signal kills it.
        failed ||= code !== 0 && signal !== 'SIGTERM'
        return
      }
      const about = { worker: worker.process.pid, code, signal }
      if (!hadListened && listening.size === 0) {
        log.fatal(about, 'no worker can start')
        process.exit(1)
      }
      log.error(about, 'a worker exited unexpectedly')
      replace(performance.now() - since)
    }
    worker.once('exit', ended)
    worker.on('error', (err) => {
      log.error({ err, worker: worker.process.pid }, 'a worker failed')
      // Without a pid the process could not be created, so no `exit` will follow.
      if (worker.process.pid === undefined) ended(null, null)
    })
    return worker
  }

  async function sendMetrics(worker: Worker, id: string) {
    try {
      const metrics = await gatherMetrics(listening)
      if (worker.isConnected()) worker.send({ metrics, id })
    } catch (err) {
      log.error({ err }, 'cannot collect the metrics of all workers')
    }
  }

  function killAll() {
    for (const worker of workers) worker.process.kill('SIGKILL')
  }

  closeWithGrace(
    {
      delay: config.SHUTDOWN_DELAY_MS + config.SHUTDOWN_TIMEOUT_MS + PATIENCE_MS,
      logger: log,
      onTimeout: killAll,
      onSecondSignal: killAll,
    },
    async ({ signal, err }) => {
      ending = true
      if (err) log.fatal({ err }, 'shutting down after an error')
      else log.info({ signal }, 'shutting down: waiting for the workers')
      const ended = [...workers].map(
        (worker) => new Promise((resolve) => worker.once('exit', resolve)),
      )
      for (const worker of workers) worker.process.kill('SIGTERM')
      await Promise.all(ended)
      if (failed) process.exit(1)
    },
  )

  // If workers share a socket, each accepts connections itself. If the primary process handed them out, a connection on
  // its way to a killed worker would stay open without an answer.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  // Start one worker first, so that an error that stops every worker is logged once.
  start()
}
