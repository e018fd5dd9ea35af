import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Connection, drive, openConnection, type Slice } from './client.ts'
import { quantile } from './load.ts'
import { median } from './measure.ts'
import { anyCore, isPinned, pinClient, type Server, startServer } from './processes.ts'
import { float32, scenarios, wholeRow } from './scenarios.ts'
import { kindsOfRequests, drive as sendMixed } from './soaking.ts'

/**
 * Compares Kelvin with bare servers that only take the same bodies. All are processes on the same core. They alternate in
 * short intervals, so that noise affects all.
 */

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '7' },
    aging: { type: 'string', default: '0' },
  },
})
/** Time of each measurement. */
const SECONDS = Number(values.seconds)
/** Time of mixed traffic before a server is compared with a fresh one. 0 leaves this comparison out. */
const AGING = Number(values.aging)
/** Length of an interval in which one server is measured, in milliseconds. */
const TURN = 120
/** The same for many connections with large bodies, which take longer to start. */
const LONG_TURN = 1000

/** An interval of one server, with its processor time per request in milliseconds. */
interface Turn extends Slice {
  busy: number
}

/** Measures servers, by their ports or sockets, in alternating intervals. The first rounds warm up and are omitted. */
async function alternate<Own extends Server>(
  servers: readonly Own[],
  count: number,
  requests: readonly Buffer[],
  turn = TURN,
  at = ({ port }: Own): number | string => port,
): Promise<Turn[][]> {
  const rounds = Math.max(3, Math.round((1000 * SECONDS) / (servers.length * turn)))
  const warming = Math.max(2, Math.round(rounds / 3))
  const clients: Connection[][] = []
  for (const server of servers) {
    const opening = Array.from({ length: count }, () => openConnection(at(server)))
    clients.push(await Promise.all(opening))
  }
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
const busy = (slices: Turn[]) => median(slices.map((slice) => slice.busy))
const throughput = (slices: Turn[]) => median(slices.map((s) => s.latencies.length / s.seconds))
/** The 99th percentile of the latency, as a multiple of the median. */
const tail = (slices: Turn[]) =>
  quantile(
    slices.flatMap((slice) => slice.latencies),
    0.99,
  ) / latency(slices)

const micro = (milliseconds: number) => (1000 * milliseconds).toFixed(0)

/** The ratio of `of` between two servers: the median over all rounds. */
function ratio(slices: Turn[], base: Turn[], of: (slices: Turn[]) => number): string {
  return median(slices.map((slice, round) => of([slice]) / of([base[round]!]))).toFixed(2)
}

const printRow = (cells: readonly unknown[]) => console.log(`| ${cells.join(' | ')} |`)

function printHead(columns: readonly string[]): void {
  console.log()
  printRow(columns)
  console.log(`|${' --- |'.repeat(columns.length)}`)
}

const folder = mkdtempSync(join(tmpdir(), 'kelvin-bench-'))
let sockets = 0

/** A server that listens on a port and on a Unix socket. */
interface Both extends Server {
  readonly path: string
}

async function startBoth(file: string, environment: Record<string, string> = {}): Promise<Both> {
  const path = join(folder, String(sockets++))
  const server = await startServer(file, '0', { ...environment, SOCKET_PATH: path })
  return { ...server, path }
}

async function compareWithBareServers(): Promise<void> {
  const bare = {
    drop: await startBoth('bench/sink.ts', { BODY: 'drop' }),
    copy: await startBoth('bench/sink.ts', { BODY: 'copy' }),
    parse: await startBoth('bench/sink.ts', { BODY: 'parse' }),
  }
  const kelvin = await startBoth('src/server.ts')
  const port = (server: Both) => server.port
  const path = (server: Both) => server.path
  const ways = [
    { way: 'TCP', connections: 1, at: port },
    { way: 'Unix socket', connections: 1, at: path },
    { way: 'TCP', connections: 4, at: port },
  ]
  for (const { way, connections, at } of ways) {
    console.log(`\n${way}, connections: ${connections}`)
    printHead([
      'body',
      'bare server',
      'drop, µs',
      'bare, µs',
      'Kelvin, µs',
      'ratio',
      'CPU of drop, µs',
      'of bare, µs',
      'of Kelvin, µs',
      'ratio',
      'target',
      'p99/median, bare',
      'Kelvin',
      'Kelvin, requests/s',
    ])
    for (const { name, floor, limit, requests } of scenarios) {
      const servers = [bare.drop, bare[floor], kelvin]
      const slices = await alternate(servers, connections, requests, TURN, at)
      const [, base, own] = slices as [Turn[], Turn[], Turn[]]
      printRow([
        name,
        floor,
        ...slices.map((each) => micro(latency(each))),
        ratio(own, base, latency),
        ...slices.map((each) => micro(busy(each))),
        ratio(own, base, busy),
        connections === 1 ? (limit ?? '') : '',
        tail(base).toFixed(1),
        tail(own).toFixed(1),
        throughput(own).toFixed(0),
      ])
    }
  }
  await Promise.all([...Object.values(bare), kelvin].map((server) => server.stop()))
}

/** Compares a server that has served mixed traffic with a fresh one. */
async function compareWithAged(): Promise<void> {
  const aged = await startServer('src/server.ts', '0')
  const end = performance.now() + 1000 * AGING
  const tally = { sent: 0, refused: 0, unexpected: new Set<string>() }
  const kinds = kindsOfRequests()
  await Promise.all(
    Array.from({ length: 4 }, () => sendMixed(aged, kinds, end, Number.POSITIVE_INFINITY, tally)),
  )
  const fresh = await startServer('src/server.ts', '0')
  console.log(`\nAfter ${tally.sent} mixed requests in ${AGING} s, beside a fresh server`)
  printHead(['body', 'fresh, µs', 'aged, µs', 'ratio', 'ratio of CPU'])
  for (const { name, requests } of scenarios) {
    const [base, own] = (await alternate([fresh, aged], 1, requests)) as [Turn[], Turn[]]
    const times = [base, own].map((each) => micro(latency(each)))
    printRow([name, ...times, ratio(own, base, latency), ratio(own, base, busy)])
  }
  await Promise.all([aged.stop(), fresh.stop()])
}

/** Compares one worker with two. A second worker helps only if the server needs more time than the client, which takes a core. */
async function compareWorkers(): Promise<void> {
  const servers = [
    await startServer('src/server.ts', anyCore, { WORKERS: '1' }),
    await startServer('src/server.ts', anyCore, { WORKERS: '2' }),
  ]
  console.log(
    `\nServers on all ${cpus().length} cores, one of which the client uses too; 8 connections`,
  )
  printHead(['body', 'WORKERS=1, requests/s', 'WORKERS=2', 'ratio'])
  for (const { name, requests } of [float32, wholeRow]) {
    const [one, two] = (await alternate(servers, 8, requests, LONG_TURN)) as [Turn[], Turn[]]
    const rates = [one, two].map((each) => throughput(each).toFixed(0))
    printRow([name, ...rates, ratio(two, one, throughput)])
  }
  await Promise.all(servers.map((server) => server.stop()))
}

pinClient()
const where = isPinned ? 'servers on core 0, client on core 1' : 'not pinned to cores'
console.log(`Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores; ${where}\n`)
await compareWithBareServers()
if (AGING > 0) await compareWithAged()
await compareWorkers()
rmSync(folder, { recursive: true })
process.exit(0)
