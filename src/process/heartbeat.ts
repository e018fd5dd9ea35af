import type { Worker } from 'node:cluster'

/** Time between two heartbeats, in milliseconds. */
const BEAT_MS = 1000
/** A worker counts as hung after this many heartbeats in a row without an answer. */
const MOST_MISSED = 10

interface Beat {
  beat?: true
}

/**
 * Sends a worker a heartbeat every second, and expects an answer from its event loop. Calls `onHang` after `MOST_MISSED`
 * heartbeats without an answer. It counts heartbeats instead of time, because a suspended machine misses only one.
 */
export function watchWorker(worker: Worker, onHang: () => void): void {
  let missed = 0
  const timer = setInterval(() => {
    if (missed++ === MOST_MISSED) {
      clearInterval(timer)
      onHang()
    } else if (worker.isConnected()) worker.send({ beat: true })
  }, BEAT_MS)
  worker.on('message', ({ beat }: Beat) => {
    if (beat) missed = 0
  })
  worker.once('exit', () => clearInterval(timer))
}

/** Makes this process, which is a worker, answer every heartbeat. */
export function answerBeats(): void {
  process.on('message', ({ beat }: Beat) => {
    if (beat && process.connected) process.send!({ beat })
  })
}
