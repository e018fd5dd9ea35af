import { performance } from 'node:perf_hooks'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { quantile } from '../../bench/load.ts'
import { Admission, type Limits } from '../../src/admission/admission.ts'
import type { Ticket } from '../../src/admission/ticket.ts'
import { loadConfig } from '../../src/config.ts'
import { Problem } from '../../src/errors.ts'

describe('the queue', () => {
  const limits: Limits = { ...loadConfig({}), MAX_QUEUE: 3, MAX_QUEUE_MS: 100 }
  const enter = (admission: Admission) => {
    const ticket = admission.enter('json', 1000)
    return { ticket, admitted: admission.whenAdmitted(ticket) }
  }
  /** All places are taken by requests that are being computed. */
  async function fill(admission: Admission) {
    const busy = Array.from({ length: 4 }, async () => {
      const { ticket, admitted } = enter(admission)
      await admitted
      admission.takeSlice(ticket)?.catch(() => {})
      return ticket
    })
    return Promise.all(busy)
  }
  /** A request of the kind has taken so long. */
  async function spend(admission: Admission, milliseconds: number): Promise<void> {
    for (let i = 0; i < 100; i++) {
      const { ticket, admitted } = enter(admission)
      await admitted
      void admission.takeSlice(ticket)
      ticket.spent = milliseconds
      admission.finish(ticket)
      admission.leave(ticket, Error)
    }
  }

  it('lets in who waited longest, when there is room', async () => {
    const admission = new Admission(limits)
    const busy = await fill(admission)
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (i) => {
      await enter(admission).admitted
      order.push(i)
    })
    expect(admission.waiting).toBe(3)
    for (const ticket of busy) {
      admission.finish(ticket)
      admission.leave(ticket, Error)
    }
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
  })

  it.each<[string, number, number, string]>([
    ['of so many', 1, 3, 'queue'],
    ['of so much work', 30, 0, 'wait'],
  ])('refuses at its limit %s', async (_, cost, waiting, reason) => {
    const admission = new Admission(limits)
    await spend(admission, cost)
    await fill(admission)
    for (let i = 0; i < waiting; i++) enter(admission)
    expect(() => enter(admission)).toThrow(Problem)
    expect(admission.refused.get(reason as 'queue')).toBe(1)
  })

  it('says when to come again', async () => {
    const admission = new Admission(limits)
    await spend(admission, 30)
    await fill(admission)
    const wait = admission.expectedWait()
    expect(wait).toBeGreaterThan(100)
    const times = Array.from({ length: 50 }, () => admission.findRefusal()!.retryAfterMs!)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(Math.floor(wait))
    expect(Math.max(...times)).toBeLessThanOrEqual(Math.ceil(1.5 * wait))
    expect(new Set(times).size).toBeGreaterThan(10)
  })

  it('forgets what requests cost once', async () => {
    const admission = new Admission(limits)
    await spend(admission, 30)
    await fill(admission)
    expect(admission.findRefusal()).toBeInstanceOf(Problem)
    for (const ticket of [...admission.underWay]) admission.leave(ticket, Error)
    await spend(admission, 0.1)
    await fill(admission)
    expect(admission.findRefusal()).toBeUndefined()
  })

  it('refuses who has waited twice as long as the limit', async () => {
    const admission = new Admission({ ...limits, MAX_QUEUE_MS: 20 })
    const busy = await fill(admission)
    const { admitted } = enter(admission)
    await new Promise((resolve) => setTimeout(resolve, 60))
    for (const ticket of busy) admission.leave(ticket, Error)
    await expect(admitted).rejects.toThrow(/waited \d+ ms/)
    expect(admission.refused.get('late')).toBe(1)
  })

  it('takes nothing at the end', () => {
    const admission = new Admission(limits)
    admission.phase = 'closing'
    expect(() => enter(admission)).toThrow(/shutting down/)
  })

  it('gives others a turn beside one that computes for long', async () => {
    const admission = new Admission(limits)
    const [long, quick] = [enter(admission).ticket, enter(admission).ticket]
    expect(admission.takeSlice(long)).toBeUndefined()
    const turn = admission.takeSlice(quick)
    expect(admission.isSliceOver()).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(admission.isSliceOver()).toBe(true)
    admission.endSlice(long)
    await turn
    const back = admission.takeSlice(long)
    admission.finish(quick)
    await back
  })
})

describe('the wait', () => {
  afterEach(() => vi.restoreAllMocks())

  /** How long the loop is busy to answer a request beside its cost, and to refuse one, in milliseconds. */
  const ANSWERING = 0.1
  const refusing = (now: number) => 0.12 * (1 + 0.5 * Math.sin(now / 200))

  interface Load {
    /** How long the loop is busy with a request. */
    cost: number
    /** When requests come, in order. */
    times: number[]
    /** Called when one is answered; it may add to the times. */
    next?: (now: number, times: number[]) => void
  }

  /** A loop of which each turn takes in what has come, and then works for a millisecond. How long each request took. */
  async function simulate({ cost, times, next }: Load) {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    vi.spyOn(performance, 'eventLoopUtilization').mockImplementation(() => ({
      idle: 0,
      active: now,
      utilization: 1,
    }))
    const admission = new Admission(loadConfig({}))
    const answered: number[] = []
    const refused: number[] = []
    const ready: Ticket[] = []
    let came = 0

    async function come(due: number): Promise<void> {
      came++
      try {
        const ticket = admission.enter('json', 1000)
        await admission.whenAdmitted(ticket)
        admission.receive(ticket, 1000)
        await admission.takeSlice(ticket)
        ready.push(ticket)
      } catch {
        now += refusing(now)
        refused.push(now - due)
      }
    }

    function work(ticket: Ticket): void {
      const slice = Math.min(1, cost - ticket.spent)
      now += slice
      admission.spend(ticket, slice)
      if (ticket.spent < cost) return
      now += ANSWERING
      ready.shift()
      admission.finish(ticket)
      admission.leave(ticket, Error)
      answered.push(now - ticket.entered)
      next?.(now, times)
    }

    for (
      const count = () => answered.length + refused.length;
      times.length > 0 || count() < came;
    ) {
      while (times[0]! <= now) void come(times.shift()!)
      await endOfTurn()
      if (ready[0]) work(ready[0])
      else now += 0.1
    }
    return { answered, refused }
  }

  it('is at most the limit when far more is asked than can be done, and refusals come soon', async () => {
    const times = Array.from({ length: 20_000 }, (_, i) => i / 5)
    const { answered, refused } = await simulate({ cost: 4, times })
    expect(answered.length).toBeGreaterThan(350)
    // The limit, and one turn.
    expect(quantile(answered, 0.99)).toBeLessThan(1050)
    expect(quantile(refused, 0.5)).toBeLessThan(50)
    expect(quantile(refused, 0.99)).toBeLessThan(400)
  })

  it.each<[string, Load]>([
    ['a burst', { cost: 0.5, times: Array(200).fill(0) }],
    [
      'clients that ask again at once',
      {
        cost: 6,
        times: Array(64).fill(0),
        next: (now, times) => now < 3000 && times.push(now),
      },
    ],
  ])('is too long for nobody in %s', async (_, load) => {
    const { answered, refused } = await simulate(load)
    expect(answered.length).toBeGreaterThanOrEqual(200)
    expect(refused).toEqual([])
  })
})
