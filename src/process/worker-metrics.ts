import type { Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from '@prometheus-io/client'
import { droppedLines } from '../log.ts'

/** Time in which a worker must send its share, in milliseconds, so that a hung worker does not block a scrape. */
const WAIT_MS = 1000

type Share = MetricObjectWithValues<MetricValue<string>>[]

/** The metrics of a worker, or `undefined` if they do not arrive in time. */
function askWorker(worker: Worker): Promise<Share | undefined> {
  const id = randomUUID()
  return new Promise((resolve) => {
    function settle(share?: Share): void {
      clearTimeout(timer)
      worker.off('message', listen)
      resolve(share)
    }
    function listen(message: { share?: Share; id?: string }): void {
      if (message.id === id) settle(message.share)
    }
    const timer = setTimeout(settle, WAIT_MS)
    worker.on('message', listen)
    if (worker.isConnected()) worker.send({ wanted: 'share', id })
    else settle()
  })
}

/** The metrics of the primary process itself. */
async function ownShare(workers: number, silent: number): Promise<Share> {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'kelvin_workers',
    help: 'Worker processes that are listening.',
    registers,
  }).set(workers)
  new Gauge({
    name: 'kelvin_workers_silent',
    help: 'Listening workers that did not answer in time. All other metrics lack their share.',
    registers,
  }).set(silent)
  const { name, help, count } = droppedLines
  new Counter({ name, help, registers }).inc(count())
  return registry.getMetricsAsJSON()
}

/** The metrics of all workers that answer in time, added up, in the text format of Prometheus. */
export async function gatherMetrics(workers: ReadonlySet<Worker>): Promise<string> {
  const answers = await Promise.all([...workers].map(askWorker))
  const shares = answers.filter((share) => share !== undefined)
  const own = await ownShare(answers.length, answers.length - shares.length)
  return AggregatorRegistry.aggregate([...shares, own]).metrics()
}
