import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { prepare } from './client.ts'
import { burst, closedLoop, generate, type Outcome, openLoop, probe, quantile } from './load.ts'
import { pinClient, type Server, startServer } from './processes.ts'
import { batch, float32, wholeRow } from './scenarios.ts'

/** Measures Kelvin with default configuration under ordinary load, under twenty times its capacity, and afterwards. */

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
const SECONDS = Number(values.seconds)
/** Ordinary loads need only a sixth of the time. */
const SHORT = SECONDS / 6
const TIMES = 20
/** Time after overload until throughput is measured again, in seconds. */
const RECOVERY = 2

const json = (body: object) =>
  prepare('/v1/sample', 'application/json', Buffer.from(JSON.stringify(body)))

const five = { name: '5 logits', request: json({ logits: [2, 1, 0.5, -1, -3], seed: 1 }) }
const row = { name: float32.name, request: float32.requests[0]! }
const jsonRow = { name: wholeRow.name, request: wholeRow.requests[0]! }
const rows = { name: batch.name, request: batch.requests[0]! }
/** A request that is small to send and slow to compute, so that the client can send twenty times the capacity. */
const draws = {
  name: '20,000 draws, 0.4 kB',
  request: json({
    logits: Array.from({ length: 64 }, (_, i) => i / 10),
    n: 20_000,
    seed: 1,
    return_probabilities: 'none',
  }),
}

const answered = (outcome: Outcome) => outcome.get(200) ?? []
const refused = (outcome: Outcome) =>
  [...outcome].reduce((sum, [status, { length }]) => (status === 200 ? sum : sum + length), 0)
const rate = (outcome: Outcome, seconds: number) => answered(outcome).length / seconds
const mean = (times: readonly number[]) => times.reduce((sum, time) => sum + time, 0) / times.length
const ms = (milliseconds: number) => milliseconds.toFixed(1)
const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(0)
const tell = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)

function head(columns: readonly string[]): void {
  console.log()
  tell(columns)
  tell(columns.map(() => '---'))
}

/** Runs a load while it probes /livez. */
async function withProbe(server: Server, seconds: number, load: Promise<Outcome>) {
  const [outcome, probed] = await Promise.all([load, probe(server, seconds)])
  return { outcome, times: answered(outcome), alive: quantile(probed.get(200), 1) }
}

/** Clients that send the next request as soon as they have an answer. */
async function closedLoops(server: Server): Promise<void> {
  head([
    'request',
    'clients',
    'answered/s',
    'refused',
    'mean, ms',
    'p99, ms',
    'p99 / mean',
    '/livez, longest, ms',
  ])
  for (const { name, request } of [five, row, jsonRow, rows]) {
    await closedLoop(server, 1, request, 1)
    for (const clients of request === rows.request ? [1, 4, 16] : [1, 4, 16, 64]) {
      const load = closedLoop(server, clients, request, SHORT)
      const { outcome, times, alive } = await withProbe(server, SHORT, load)
      const [average, p99] = [mean(times), quantile(times, 0.99)]
      const figures = [average, p99, p99 / average, alive].map(ms)
      tell([name, clients, rate(outcome, SHORT).toFixed(0), refused(outcome), ...figures])
    }
  }
}

/** Requests at random times, up to 0.9 of the capacity. */
async function openLoops(server: Server): Promise<void> {
  head([
    'request',
    'capacity, requests/s',
    'offered / capacity',
    'answered/s',
    'refused',
    'mean, ms',
    'p99, ms',
  ])
  for (const { name, request } of [row, draws]) {
    const full = rate(await closedLoop(server, 4, request, SHORT), SHORT)
    for (const part of [0.5, 0.7, 0.9]) {
      const outcome = await openLoop(server, part * full, request, SHORT)
      const times = answered(outcome)
      const figures = [mean(times), quantile(times, 0.99)].map(ms)
      tell([
        name,
        full.toFixed(0),
        part,
        rate(outcome, SHORT).toFixed(0),
        refused(outcome),
        ...figures,
      ])
    }
  }
}

/** Loads of inference servers: sequences with a model between their steps, and bursts. */
async function realistic(server: Server): Promise<void> {
  head([
    'load',
    'answered/s',
    'refused',
    'work ahead, ms',
    'mean, ms',
    'p99, ms',
    'p99 / work ahead',
  ])
  const { name, request } = row
  const alone = quantile(answered(await closedLoop(server, 1, request, SHORT)), 0.5)
  const seconds = Math.ceil(SHORT)
  for (const [load, size, start] of [
    [
      `64 sequences, a token every 30 ms, ${name}`,
      64,
      () => generate(server, 64, request, 30, seconds),
    ],
    [`200 at once, once a second, ${name}`, 200, () => burst(server, 200, request, seconds)],
  ] as const) {
    const outcome = await start()
    const times = answered(outcome)
    const [ahead, p99] = [size * alone, quantile(times, 0.99)]
    const figures = [ahead, mean(times), p99, p99 / ahead].map(ms)
    tell([load, rate(outcome, seconds).toFixed(0), refused(outcome), ...figures])
  }
}

async function overload(server: Server): Promise<void> {
  head([
    'request',
    'capacity, requests/s',
    'offered / capacity',
    'answered/s',
    'p99 of the answered, ms',
    'median of refusals, ms',
    'longest refusal, ms',
    '/livez, longest, ms',
    'memory, MB',
    'capacity after / before',
  ])
  for (const { name, request, isOpen } of [
    { ...draws, isOpen: true },
    { ...jsonRow, isOpen: false },
  ]) {
    const full = rate(await closedLoop(server, 4, request, SHORT), SHORT)
    const before = server.memory()
    // The client needs longer to send large bodies than the server needs to refuse them, so use a closed loop.
    const load = isOpen
      ? openLoop(server, TIMES * full, request, SECONDS)
      : closedLoop(server, 200, request, SECONDS)
    const half = sleep(500 * SECONDS).then(() => server.memory())
    const { outcome, times, alive } = await withProbe(server, SECONDS, load)
    const after = server.memory()
    await sleep(1000 * RECOVERY)
    const again = rate(await closedLoop(server, 4, request, SHORT), SHORT)
    const offered = times.length + refused(outcome)
    tell([
      name,
      full.toFixed(0),
      (offered / SECONDS / full).toFixed(1),
      rate(outcome, SECONDS).toFixed(0),
      ms(quantile(times, 0.99)),
      ms(quantile(outcome.get(503), 0.5)),
      ms(quantile(outcome.get(503), 1)),
      ms(alive),
      [before, await half, after].map(mb).join(' → '),
      (again / full).toFixed(2),
    ])
    const others = [...outcome.keys()].filter((status) => status !== 200 && status !== 503)
    if (others.length > 0) console.log(`Other answers: ${others.join(', ')}`)
  }
}

pinClient()
const server = await startServer('src/server.ts', '0')
await closedLoops(server)
await openLoops(server)
await realistic(server)
await overload(server)
await server.stop()
process.exit(0)
