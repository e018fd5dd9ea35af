import cluster, { type Worker } from 'node:cluster'
import { randomUUID } from 'node:crypto'
import { type Change, refusalOf, type SharedMemory } from '../shared-memory/shared-memory.ts'

/**
 * Keeps the regions of shared memory the same in all workers. A worker sends each change to the primary process, which
 * decides whether it can be made, passes it to all workers, and answers when they have made it. A registration that one
 * of them cannot make is undone in all.
 */

interface FromWorker {
  readonly regions?: {
    readonly join?: true
    readonly change?: Change
    readonly applied?: string
    /** For each change that was applied, the reason if it could not be made. */
    readonly reasons?: readonly (string | null)[]
  }
  readonly id?: string
}

interface FromPrimary {
  readonly regions?: {
    readonly apply?: readonly Change[]
    readonly done?: true
    /** Why a change was not made. */
    readonly reason?: string | undefined
  }
  readonly id?: string
}

type Reasons = readonly (string | null)[]

/** A worker as the primary process sees it. */
class Member {
  readonly #worker: Worker
  /** Called when the worker has made the changes that were sent under an id. */
  readonly #pending = new Map<string, (reasons: Reasons) => void>()

  constructor(worker: Worker) {
    this.#worker = worker
  }

  send(message: FromPrimary): void {
    if (this.#worker.isConnected()) this.#worker.send(message)
  }

  /** Makes the worker apply changes, and waits until it has or is gone. Returns the reasons of those that it could not make. */
  apply(changes: readonly Change[]): Promise<Reasons> {
    if (!this.#worker.isConnected()) return Promise.resolve([])
    const id = randomUUID()
    return new Promise((resolve) => {
      this.#pending.set(id, resolve)
      this.send({ regions: { apply: changes }, id })
    })
  }

  applied(id: string, reasons: Reasons): void {
    this.#pending.get(id)?.(reasons)
    this.#pending.delete(id)
  }

  gone(): void {
    for (const id of this.#pending.keys()) this.applied(id, [])
  }
}

/** The registrations in force, by owner and name. */
function openRegister() {
  const kept = new Map<string, Map<string, Change>>()

  return {
    all: (): Change[] => [...kept.values()].flatMap((own) => [...own.values()]),

    /** Why a change cannot be made, if it cannot. */
    refusalOf(change: Change): string | undefined {
      if (!('register' in change)) return undefined
      const isKnown = kept.get(change.owner)?.has(change.register.name) ?? false
      const count = [...kept.values()].reduce((sum, { size }) => sum + size, 0)
      return refusalOf(isKnown, count, change.limit)
    },

    keep(change: Change): void {
      const own = kept.get(change.owner) ?? new Map<string, Change>()
      if ('register' in change) kept.set(change.owner, own.set(change.register.name, change))
      else if (change.unregister !== undefined) own.delete(change.unregister)
      else own.clear()
      if (own.size === 0) kept.delete(change.owner)
    },
  }
}

/** The regions in the primary process. Returns a function that connects a worker to them. */
export function keepRegions(): (worker: Worker) => void {
  const members = new Set<Member>()
  const register = openRegister()

  async function applyInAll(change: Change): Promise<string | undefined> {
    register.keep(change)
    const answers = await Promise.all([...members].map((member) => member.apply([change])))
    return answers.flat().find((reason) => reason !== null) ?? undefined
  }

  /** Unregisters what a registration has registered, in all workers. */
  async function undo(change: Change): Promise<void> {
    if (!('register' in change)) return
    await applyInAll({ owner: change.owner, unregister: change.register.name })
  }

  async function make(change: Change): Promise<string | undefined> {
    const refusal = register.refusalOf(change)
    if (refusal) return refusal
    const reason = await applyInAll(change)
    if (reason) await undo(change)
    return reason
  }

  /** Gives a new worker all regions. Those that it cannot open are unregistered, so that all workers answer alike. */
  async function join(member: Member): Promise<void> {
    // From now on the worker gets every change, after those of the list.
    members.add(member)
    const all = register.all()
    const reasons = await member.apply(all)
    for (const [index, change] of all.entries()) if (reasons[index]) await undo(change)
  }

  async function answer(member: Member, { regions, id }: FromWorker): Promise<void> {
    if (regions?.applied !== undefined)
      return member.applied(regions.applied, regions.reasons ?? [])
    let reason: string | undefined
    if (regions?.join) await join(member)
    else if (regions?.change) reason = await make(regions.change)
    else return
    member.send({ regions: { done: true, reason }, id: id! })
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
export async function joinRegions(memory: SharedMemory): Promise<void> {
  const worker = cluster.worker!
  const waiting = new Map<string, (reason: string | undefined) => void>()

  function ask(regions: FromWorker['regions']): Promise<string | undefined> {
    const id = randomUUID()
    return new Promise((resolve) => {
      waiting.set(id, resolve)
      worker.send({ regions, id })
    })
  }

  worker.on('message', ({ regions, id }: FromPrimary) => {
    if (regions?.apply) {
      const reasons = regions.apply.map((change) => memory.apply(change) ?? null)
      worker.send({ regions: { applied: id!, reasons } } satisfies FromWorker)
    } else if (regions?.done) {
      waiting.get(id!)?.(regions.reason)
      waiting.delete(id!)
    }
  })
  memory.publish = (change) => ask({ change })
  await ask({ join: true })
}
