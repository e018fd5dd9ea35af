import { describe, expect, it } from 'vitest'
import { Admission, type Limits } from '../../src/admission/admission.ts'
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
      admission.takeTurn(ticket)?.catch(() => {})
      return ticket
    })
    return Promise.all(busy)
  }
  /** A request of the kind has taken so long. */
  async function spend(admission: Admission, milliseconds: number): Promise<void> {
    for (let i = 0; i < 100; i++) {
      const { ticket, admitted } = enter(admission)
      await admitted
      void admission.takeTurn(ticket)
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
    expect(admission.takeTurn(long)).toBeUndefined()
    const turn = admission.takeTurn(quick)
    expect(admission.isTurnOver()).toBe(false)
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(admission.isTurnOver()).toBe(true)
    admission.giveTurn(long)
    await turn
    const back = admission.takeTurn(long)
    admission.finish(quick)
    await back
  })
})
