import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, openConnection, prepare } from './client.ts'
import type { Server } from './processes.ts'

/** Latencies of answers in milliseconds, by status. */
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

/** A closed loop: each client sends its next request as soon as it has an answer, whatever its status. */
export async function closedLoop(
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

/**
 * An open loop: sends requests as a Poisson process of `rate` per second, without waiting for answers. Connections are
 * opened before and kept, because opening all of them at once would be another test.
 */
export async function openLoop(
  server: Server,
  rate: number,
  request: Buffer,
  seconds: number,
): Promise<Outcome> {
  const outcome: Outcome = new Map()
  const free = await openAll(server, Math.ceil(rate / 10))
  const underWay = new Set<Promise<void>>()
  const start = performance.now()
  const gap = () => (-1000 * Math.log(1 - Math.random())) / rate
  const send = async () => {
    let connection = free.pop()
    while (connection && !connection.isOpen) connection = free.pop()
    connection ??= await openConnection(server.port)
    await timed(connection, request, outcome)
    if (connection.isOpen) free.push(connection)
  }
  for (let due = gap(); due < 1000 * seconds; ) {
    for (; due < performance.now() - start; due += gap()) {
      const one = send()
      underWay.add(one)
      void one.finally(() => underWay.delete(one))
    }
    await sleep(1)
  }
  await Promise.all(underWay)
  for (const connection of free) connection.close()
  return outcome
}

/** Sequences that request a token, and the next one `pause` milliseconds after its answer. */
export async function generate(
  server: Server,
  sequences: number,
  request: Buffer,
  pause: number,
  seconds: number,
): Promise<Outcome> {
  const outcome: Outcome = new Map()
  const end = performance.now() + 1000 * seconds
  await Promise.all(
    Array.from({ length: sequences }, async (_, i) => {
      await sleep((pause * i) / sequences)
      const connection = await openConnection(server.port)
      while (connection.isOpen && performance.now() < end) {
        await timed(connection, request, outcome)
        await sleep(pause)
      }
      connection.close()
    }),
  )
  return outcome
}

/** Sends `size` requests at once, every second. */
export async function burst(
  server: Server,
  size: number,
  request: Buffer,
  seconds: number,
): Promise<Outcome> {
  const outcome: Outcome = new Map()
  const connections = await openAll(server, size)
  for (let second = 0; second < seconds; second++) {
    const next = sleep(1000)
    await Promise.all(connections.map((connection) => timed(connection, request, outcome)))
    await next
  }
  for (const connection of connections) connection.close()
  return outcome
}

const openAll = (server: Server, count: number) =>
  Promise.all(Array.from({ length: count }, () => openConnection(server.port)))

export const quantile = (times: number[] = [], part: number): number =>
  times.toSorted((a, b) => a - b)[Math.floor(part * (times.length - 1))] ?? Number.NaN

const PROBE = prepare('/livez', 'text/plain', Buffer.alloc(0)).toString().replace('POST', 'GET')

/** Requests /livez twenty times a second. */
export async function probe(server: Server, seconds: number): Promise<Outcome> {
  const outcome: Outcome = new Map()
  const end = performance.now() + 1000 * seconds
  const connection = await openConnection(server.port)
  while (performance.now() < end) {
    await timed(connection, Buffer.from(PROBE), outcome)
    await sleep(50)
  }
  connection.close()
  return outcome
}
