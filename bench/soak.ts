import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startServer } from '../test/server.ts'
import { median } from './measure.ts'
import {
  answersTo,
  disturb,
  drive,
  holdings,
  kindsOfRequests,
  type Tally,
  type Where,
} from './soaking.ts'

/** Largest ratio of memory between the last quarter and the third. A leak grows further, noise does not. */
const GROWTH = 1.05

/** Time between two readings of the memory, in milliseconds. */
const LOOK = 500

export interface Verdict {
  figures: Record<string, string | number>
  faults: string[]
}

/** Loads a server for some seconds, or for `most` requests. Returns figures of what it held, and faults. */
export async function soak(seconds: number, most: number): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'kelvin-'))
  const path = join(folder, 'kelvin.sock')
  const server = await startServer({
    SOCKET_PATH: path,
    REQUEST_TIMEOUT_MS: '5000',
  })
  try {
    const pid = server.process.pid!
    const tcp: Where = { port: Number(new URL(server.url).port) }
    const kinds = kindsOfRequests()
    const before = await answersTo(tcp, kinds)
    await setTimeout(500)
    const start = holdings(pid)
    const memory: number[] = []
    const looking = setInterval(() => memory.push(holdings(pid).memory), LOOK)
    const tally: Tally = { sent: 0, refused: 0, unexpected: new Set() }
    const began = performance.now()
    const end = began + 1000 * seconds
    const clients = [tcp, tcp, tcp, { path }, { path }]
    await Promise.all([
      ...clients.map((where) => drive(where, kinds, end, most, tally)),
      ...[tcp, { path }].map((where) =>
        disturb(where, kinds, Math.min(end, began + 1000 * seconds)),
      ),
    ])
    clearInterval(looking)
    const took = (performance.now() - began) / 1000
    // Wait until the server has ended the connections of clients that disconnected.
    await setTimeout(7000)
    const left = holdings(pid)
    const after = await answersTo({ path }, kinds)
    const quarter = (i: number) =>
      median(
        memory.slice(
          Math.floor((i * memory.length) / 4),
          Math.floor(((i + 1) * memory.length) / 4),
        ),
      )
    const mb = (bytes: number) => Math.round(bytes / 2 ** 20)
    const faults = [...tally.unexpected]
    if (quarter(3) > GROWTH * quarter(2)) faults.push('Memory grows')
    if (left.sockets > start.sockets)
      faults.push(`${left.sockets - start.sockets} sockets are left`)
    if (left.others > start.others) faults.push(`${left.others - start.others} files are left`)
    if (after.join() !== before.join()) faults.push('Answers differ from those at the start')
    if (server.process.exitCode !== null) faults.push('The process has ended')
    const failures = server.lines.filter((line) => /"level":[56]0/.test(line))
    if (failures.length > 0) faults.push(`Logged: ${failures[0]}`)
    return {
      figures: {
        seconds: Math.round(took),
        requests: tally.sent,
        'requests/s': Math.round(tally.sent / took),
        refused: tally.refused,
        'memory by quarters, MB': [0, 1, 2, 3].map((i) => mb(quarter(i))).join(', '),
        'sockets before and after': `${start.sockets}, ${left.sockets}`,
        'other descriptors before and after': `${start.others}, ${left.others}`,
        'answers compared': before.length,
      },
      faults,
    }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '480' },
      requests: { type: 'string', default: '1000000' },
    },
  })
  const { figures, faults } = await soak(Number(values.seconds), Number(values.requests))
  for (const [name, figure] of Object.entries(figures)) console.log(`${name}: ${figure}`)
  console.log(faults.length === 0 ? 'No fault' : faults.join('\n'))
  process.exit(faults.length === 0 ? 0 : 1)
}
