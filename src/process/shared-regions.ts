import cluster, { type Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import type { Change, SharedMemory } from '../shared-memory/shared-memory.ts'

/**
 * Keeps the regions of shared memory the same in all workers. A worker sends each change to the primary process, which
 * passes it to all workers and answers when they have made it.
 */

interface Log {
  error(about: object, message: string): void
}

interface FromWorker {
  readonly regions?: { readonly join?: true; readonly change?: Change; readonly applied?: string }
  readonly id?: string
}

interface FromPrimary {
  readonly regions?: { readonly apply?: readonly Change[]; readonly done?: string }
  readonly id?: string
}

/** A worker as the primary process sees it. */
class Member {
  readonly #worker: Worker
  /** Called when the worker has made the changes that were sent under an id. */
  readonly #pending = new Map<string, () => void>()

  constructor(worker: Worker) {
    this.#worker = worker
  }

  send(message: FromPrimary): void {
    if (this.#worker.isConnected()) this.#worker.send(message)
  }

  /** Makes the worker apply changes, and waits until it has or is gone. */
  apply(changes: readonly Change[]): Promise<void> {
    if (!this.#worker.isConnected()) return Promise.resolve()
    const id = randomUUID()
    return new Promise((resolve) => {
      this.#pending.set(id, resolve)
      this.send({ regions: { apply: changes }, id })
    })
  }

  applied(id: string): void {
    this.#pending.get(id)?.()
    this.#pending.delete(id)
  }

  gone(): void {
    for (const id of this.#pending.keys()) this.applied(id)
  }
}

/** The regions in the primary process. Returns a function that connects a worker to them. */
export function keepRegions(): (worker: Worker) => void {
  const members = new Set<Member>()
  /** The registrations in force, by owner and name. */
  const kept = new Map<string, Map<string, Change>>()

  function keep(change: Change): void {
    const own = kept.get(change.owner) ?? new Map<string, Change>()
    if ('register' in change) kept.set(change.owner, own.set(change.register.name, change))
    else if (change.unregister !== undefined) own.delete(change.unregister)
    else own.clear()
    if (own.size === 0) kept.delete(change.owner)
  }

  async function answer(member: Member, { regions, id }: FromWorker): Promise<void> {
    if (regions?.applied !== undefined) return member.applied(regions.applied)
    if (regions?.join) {
      // From now on the worker gets every change, after those of the list.
      members.add(member)
      await member.apply([...kept.values()].flatMap((own) => [...own.values()]))
    } else if (regions?.change) {
      const { change } = regions
      keep(change)
      await Promise.all([...members].map((other) => other.apply([change])))
    } else return
    member.send({ regions: { done: id! } })
  }

  return (worker) => {
    const member = new Member(worker)
    worker.on('message', (message: FromWorker) => void answer(member, message))
    worker.once('exit', () => {
      members.delete(member)
      member.gone()
    })
  }
}

/** Connects the regions of this worker to those of all others, and waits until it has them. */
export async function joinRegions(memory: SharedMemory, log: Log): Promise<void> {
  const worker = cluster.worker!
  const waiting = new Map<string, () => void>()

  function ask(regions: FromWorker['regions']): Promise<void> {
    const id = randomUUID()
    return new Promise((resolve) => {
      waiting.set(id, resolve)
      worker.send({ regions, id })
    })
  }

  function apply(change: Change): void {
    try {
      memory.apply(change)
    } catch (err) {
      log.error({ err }, 'cannot open a region of shared memory')
    }
  }

  worker.on('message', ({ regions, id }: FromPrimary) => {
    if (regions?.apply) {
      for (const change of regions.apply) apply(change)
      worker.send({ regions: { applied: id! } } satisfies FromWorker)
    } else if (regions?.done !== undefined) {
      waiting.get(regions.done)?.()
      waiting.delete(regions.done)
    }
  })
  memory.publish = (change) => ask({ change })
  await ask({ join: true })
}
