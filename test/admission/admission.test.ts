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
  /** Fills all places with requests that are computed. */
  async function fill(admission: Admission) {
    const busy = Array.from({ length: 4 }, async () => {
      const { ticket, admitted } = enter(admission)
      await admitted
      admission.takeSlice(ticket)?.catch(() => {})
      return ticket
    })
    return Promise.all(busy)
  }
  /** Records a request of this kind that took this long. */
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

  it('lets in the request that has waited longest, when a place is free', async () => {
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

  it('reads one large body at a time', async () => {
    const admission = new Admission(limits)
    const [first, second] = [1, 2].map(() => admission.enter('octets', 10_000_000))
    await admission.whenAdmitted(first!)
    await admission.takeSlice(first!)
    const admitted = admission.whenAdmitted(second!)
    expect(second!.state).toBe('waiting')
    admission.leave(first!, Error)
    await admitted
    expect(second!.state).toBe('reading')
  })

  it.each<[string, number, number, string]>([
    ['waiting requests', 1, 3, 'queue'],
    ['the expected wait', 30, 0, 'wait'],
  ])('refuses a request at the limit of %s', async (_, cost, waiting, reason) => {
    const admission = new Admission(limits)
    await spend(admission, cost)
    await fill(admission)
    for (let i = 0; i < waiting; i++) enter(admission)
    expect(() => enter(admission)).toThrow(Problem)
    expect(admission.refused.get(reason as 'queue')).toBe(1)
  })

  it('answers with Retry-After', async () => {
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

  it('forgets old costs', async () => {
    const admission = new Admission(limits)
    await spend(admission, 30)
    await fill(admission)
    expect(admission.findRefusal()).toBeInstanceOf(Problem)
    for (const ticket of [...admission.underWay]) admission.leave(ticket, Error)
    await spend(admission, 0.1)
    await fill(admission)
    expect(admission.findRefusal()).toBeUndefined()
  })

  it('refuses a request that has waited twice the limit', async () => {
    const admission = new Admission({ ...limits, MAX_QUEUE_MS: 20 })
    const busy = await fill(admission)
    const { admitted } = enter(admission)
    await new Promise((resolve) => setTimeout(resolve, 60))
    for (const ticket of busy) admission.leave(ticket, Error)
    await expect(admitted).rejects.toThrow(/waited \d+ ms/)
    expect(admission.refused.get('late')).toBe(1)
  })

  it('takes no requests during shutdown', () => {
    const admission = new Admission(limits)
    admission.phase = 'closing'
    expect(() => enter(admission)).toThrow(/shutting down/)
  })

  it('gives other requests a turn while one computes for long', async () => {
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

  /** The time in milliseconds that the loop takes to answer a request, without its cost, and to refuse one. */
  const ANSWERING = 0.1
  const refusing = (now: number) => 0.12 * (1 + 0.5 * Math.sin(now / 200))

  interface Load {
    /** The time that a request keeps the loop busy. */
    cost: number
    /** The times at which requests come, ascending. */
    times: number[]
    /** Called when a request is answered. It may add times. */
    next?: (now: number, times: number[]) => void
  }

  /** Simulates a loop. Each turn accepts the requests that have come, and then works for a millisecond. Returns the time of each request. */
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

  it('is at most the limit under overload, and refusals come soon', async () => {
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
  ])('exceeds the limit for no request, with %s', async (_, load) => {
    const { answered, refused } = await simulate(load)
    expect(answered.length).toBeGreaterThanOrEqual(200)
    expect(refused).toEqual([])
  })
})
