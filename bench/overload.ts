import { parseArgs } from 'node:util'
import { prepare } from './client.ts'
import { insist, type Outcome, pour, probe, quantile } from './load.ts'
import { pinClient, type Server, startServer } from './processes.ts'
import { wholeRow } from './scenarios.ts'

/** What becomes of Kelvin under twenty times the load that it can take, and after. */

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' } } })
const SECONDS = Number(values.seconds)
const TIMES = 20
/** So many clients keep it busy all the time. */
const SATURATING = 3
/** How soon it must be as it was, in seconds. */
const RECOVERY = 2

interface Load {
  name: string
  request: Buffer
  /** Whether requests come whether or not those before were answered, which takes small ones. */
  isOpen: boolean
}

const draws = {
  logits: Array.from({ length: 64 }, (_, i) => i / 10),
  n: 20_000,
  seed: 1,
  return_probabilities: 'none',
}

const loads: Load[] = [
  { name: wholeRow.name, request: wholeRow.requests[0]!, isOpen: false },
  {
    name: '20,000 draws, 0.4 kB',
    request: prepare('/v1/sample', 'application/json', Buffer.from(JSON.stringify(draws))),
    isOpen: true,
  },
]

const rate = (outcome: Outcome, seconds: number) => (outcome.get(200)?.length ?? 0) / seconds
const ms = (milliseconds: number) => milliseconds.toFixed(1)
const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(0)

async function measure(server: Server, { name, request, isOpen }: Load): Promise<void> {
  const calm = SECONDS / 6
  await insist(server, 1, request, 1)
  const alone = await insist(server, 1, request, calm)
  const full = rate(await insist(server, SATURATING, request, calm), calm)
  const before = server.memory()
  const pressing = isOpen
    ? pour(server, TIMES * full, request, SECONDS)
    : insist(server, TIMES * SATURATING, request, SECONDS)
  const half = new Promise<number>((resolve) => {
    setTimeout(() => resolve(server.memory()), 500 * SECONDS)
  })
  const [pressed, probed] = await Promise.all([pressing, probe(server, SECONDS)])
  const after = server.memory()
  await new Promise((resolve) => setTimeout(resolve, 1000 * RECOVERY))
  const again = rate(await insist(server, SATURATING, request, calm), calm)

  const count = (status: number) => pressed.get(status)?.length ?? 0
  const offered = [...pressed.values()].reduce((sum, { length }) => sum + length, 0)
  const [quiet, loaded] = [quantile(alone.get(200), 0.99), quantile(pressed.get(200), 0.99)]
  const cells = [
    name,
    full.toFixed(0),
    (offered / SECONDS / full).toFixed(1),
    (count(200) / SECONDS).toFixed(0),
    ms(quiet),
    ms(loaded),
    (loaded / quiet).toFixed(1),
    ms(quantile(pressed.get(503), 0.5)),
    ms(quantile(pressed.get(503), 1)),
    ms(quantile(probed.get(200), 1)),
    [before, await half, after].map(mb).join(' → '),
    (again / full).toFixed(2),
  ]
  console.log(`| ${cells.join(' | ')} |`)
  const others = [...pressed.keys()].filter((status) => status !== 200 && status !== 503)
  if (others.length > 0) console.log(`Other answers: ${others.join(', ')}`)
}

pinClient()
const server = await startServer('src/server.ts', '0')
console.log(
  '| request | requests/s it can take | offered, times that | answered/s | p99 alone, ms | p99 of the answered, ms | ratio | refusals, median, ms | longest | /livez, longest, ms | memory, MB | requests/s after, to before |\n' +
    `|${' --- |'.repeat(12)}`,
)
for (const load of loads) await measure(server, load)
await server.stop()
process.exit(0)
