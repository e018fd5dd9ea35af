import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { watchWorker } from '../../src/process/heartbeat.ts'

describe('a heartbeat', () => {
  function watch() {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const worker = Object.assign(new EventEmitter(), { isConnected: () => true, send: vi.fn() })
    const hangs = vi.fn()
    watchWorker(worker as unknown as Worker, hangs)
    return { worker, hangs }
  }

  it('finds a worker that answers nothing for ten seconds', () => {
    const { worker, hangs } = watch()
    worker.send.mockImplementationOnce((beat) => worker.emit('message', beat))
    vi.advanceTimersByTime(11_500)
    expect(hangs).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1000)
    expect(hangs).toHaveBeenCalledOnce()
  })

  it('forgives a worker that answers late, and a machine that slept', () => {
    const { worker, hangs } = watch()
    vi.advanceTimersByTime(9500)
    worker.emit('message', { beat: true })
    vi.setSystemTime(Date.now() + 3_600_000)
    vi.advanceTimersByTime(9500)
    expect(hangs).not.toHaveBeenCalled()
    worker.emit('exit')
    vi.advanceTimersByTime(60_000)
    expect(hangs).not.toHaveBeenCalled()
  })
})
