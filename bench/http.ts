import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Connection, drive, openConnection, type Slice } from './client.ts'
import { quantile } from './load.ts'
import { median } from './measure.ts'
import { anyCore, isPinned, pinClient, type Server, startServer } from './processes.ts'
import { float32, type Scenario, scenarios, wholeRow } from './scenarios.ts'

/**
 * Compares the time of a request to Kelvin with that to a server that only reads its body. Both are processes on the same
 * core. They alternate in short intervals, so that noise affects both.
 */

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '7' } } })
const SECONDS = Number(values.seconds)
/** Length of an interval in which one server is measured, in milliseconds. */
const TURN = 120
/** The same for many connections with large bodies, which take longer to start. */
const LONG_TURN = 1000

const connect = (server: Server, count: number) =>
  Promise.all(Array.from({ length: count }, () => openConnection(server.port)))

/** An interval of one server, with its processor time per request in milliseconds. */
interface Turn extends Slice {
  busy: number
}

/** Measures servers in alternating intervals. The first rounds warm up and are omitted. */
async function alternate(
  servers: readonly Server[],
  count: number,
  requests: readonly Buffer[],
  turn: number,
) {
  const rounds = Math.max(3, Math.round((1000 * SECONDS) / (2 * turn)))
  const warming = Math.max(2, Math.round(rounds / 6))
  const clients: Connection[][] = []
  for (const server of servers) clients.push(await connect(server, count))
  const slices: Turn[][] = servers.map(() => [])
  for (let round = 0; round < warming + rounds; round++) {
    for (const [i, client] of clients.entries()) {
      const before = servers[i]!.busy()
      const slice = await drive(client, requests, turn)
      const busy = (servers[i]!.busy() - before) / slice.latencies.length
      if (round >= warming) slices[i]!.push({ ...slice, busy })
    }
  }
  for (const connection of clients.flat()) connection.close()
  return slices
}

const latency = (slices: Turn[]) => median(slices.flatMap((slice) => slice.latencies))
const busy = (slices: Turn[]) => slices.reduce((sum, turn) => sum + turn.busy, 0) / slices.length
const throughput = (slices: Turn[]) => median(slices.map((s) => s.latencies.length / s.seconds))

/** Quartiles over all rounds of the ratio of `of` between two servers. */
function spread(slices: Turn[], base: Turn[], of: (slices: Turn[]) => number): string {
  const ratios = slices.map((slice, round) => of([slice]) / of([base[round]!]))
  return `${quantile(ratios, 0.25).toFixed(2)}–${quantile(ratios, 0.75).toFixed(2)}`
}

async function isServed({ port }: Server, { requests }: Scenario): Promise<boolean> {
  const connection = await openConnection(port)
  const status = await connection.send(requests[0]!)
  connection.close()
  return status !== 404
}

async function compareWithSink(): Promise<void> {
  const sink = await startServer('bench/sink.ts', '0')
  const kelvin = await startServer('src/server.ts', '0')
  console.log(
    '| body | connections | sink, µs | Kelvin, µs | ratio | quartiles | target | CPU of sink, µs | of Kelvin, µs | sink, requests/s | Kelvin, requests/s |\n' +
      `|${' --- |'.repeat(11)}`,
  )
  const skipped: string[] = []
  for (const scenario of scenarios) {
    if (!(await isServed(kelvin, scenario))) {
      skipped.push(`${scenario.name}: skipped, the server answers 404`)
      continue
    }
    for (const connections of [1, 4]) {
      const { name, limit, requests } = scenario
      const [base, own] = (await alternate([sink, kelvin], connections, requests, TURN)) as [
        Turn[],
        Turn[],
      ]
      const cells = [
        name,
        connections,
        ...[base, own].map((slices) => (1000 * latency(slices)).toFixed(0)),
        (latency(own) / latency(base)).toFixed(2),
        spread(own, base, latency),
        limit ?? '',
        ...[base, own].map((slices) => (1000 * busy(slices)).toFixed(0)),
        ...[base, own].map((slices) => throughput(slices).toFixed(0)),
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
  }
  for (const line of skipped) console.log(`\n${line}`)
  await Promise.all([sink.stop(), kelvin.stop()])
}

/** Compares one worker with two. A second worker helps only if the server needs more time than the client, which takes a core. */
async function compareWorkers(): Promise<void> {
  const servers = [
    await startServer('src/server.ts', anyCore, { WORKERS: '1' }),
    await startServer('src/server.ts', anyCore, { WORKERS: '2' }),
  ]
  console.log(
    `\nServers on all ${cpus().length} cores, one of which the client uses too; 8 connections:\n`,
  )
  console.log('| body | WORKERS=1, requests/s | WORKERS=2 | ratio | quartiles |')
  console.log('| --- | --- | --- | --- | --- |')
  for (const { name, requests } of [float32, wholeRow]) {
    const [one, two] = (await alternate(servers, 8, requests, LONG_TURN)) as [Turn[], Turn[]]
    const [few, many] = [throughput(one), throughput(two)]
    console.log(
      `| ${name} | ${few.toFixed(0)} | ${many.toFixed(0)} | ${(many / few).toFixed(2)} | ${spread(two, one, throughput)} |`,
    )
  }
  await Promise.all(servers.map((server) => server.stop()))
}

pinClient()
const where = isPinned ? 'servers on core 0, client on core 1' : 'not pinned to cores'
console.log(`Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores; ${where}\n`)
await compareWithSink()
await compareWorkers()
process.exit(0)
