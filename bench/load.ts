import { type Connection, openConnection, prepare } from './client.ts'
import type { Server } from './processes.ts'

/** What came of requests: how long they took, in milliseconds, by status. */
export type Outcome = Map<number, number[]>

function note(outcome: Outcome, status: number, milliseconds: number): void {
  const times = outcome.get(status)
  if (times) times.push(milliseconds)
  else outcome.set(status, [milliseconds])
}

async function timed(connection: Connection, request: Buffer, outcome: Outcome): Promise<number> {
  const sent = performance.now()
  const status = await connection.send(request)
  note(outcome, status, performance.now() - sent)
  return status
}

/** Clients of which each asks again as soon as it is answered, whatever the answer. */
export async function insist(
  server: Server,
  clients: number,
  request: Buffer,
  seconds: number,
): Promise<Outcome> {
  const outcome: Outcome = new Map()
  const end = performance.now() + 1000 * seconds
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        const connection = await openConnection(server.port)
        while (connection.isOpen && performance.now() < end) {
          await timed(connection, request, outcome)
        }
        connection.close()
      }
    }),
  )
  return outcome
}

/** So many requests a second, whether or not those before them have been answered. */
export async function pour(
  server: Server,
  rate: number,
  request: Buffer,
  seconds: number,
): Promise<Outcome> {
  const outcome: Outcome = new Map()
  // Connections are kept, as clients keep them; opening them all at once would be another test.
  const free = await Promise.all(
    Array.from({ length: Math.ceil(rate / 10) }, () => openConnection(server.port)),
  )
  const underWay = new Set<Promise<void>>()
  const start = performance.now()
  const send = async () => {
    let connection = free.pop()
    while (connection && !connection.isOpen) connection = free.pop()
    connection ??= await openConnection(server.port)
    await timed(connection, request, outcome)
    if (connection.isOpen) free.push(connection)
  }
  for (let sent = 0; performance.now() - start < 1000 * seconds; ) {
    for (const due = (rate * (performance.now() - start)) / 1000; sent < due; sent++) {
      const one = send()
      underWay.add(one)
      void one.finally(() => underWay.delete(one))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(underWay)
  for (const connection of free) connection.close()
  return outcome
}

export const quantile = (times: number[] = [], part: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(part * (times.length - 1))] ?? Number.NaN

const PROBE = prepare('/livez', 'text/plain', Buffer.alloc(0)).toString().replace('POST', 'GET')

/** Asks whether the process is alive, twenty times a second. */
export async function probe(server: Server, seconds: number): Promise<Outcome> {
  const outcome: Outcome = new Map()
  const end = performance.now() + 1000 * seconds
  const connection = await openConnection(server.port)
  while (performance.now() < end) {
    await timed(connection, Buffer.from(PROBE), outcome)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  connection.close()
  return outcome
}
