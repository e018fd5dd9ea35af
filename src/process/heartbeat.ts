import type { Worker } from 'node:cluster'

/** The time between two beats, in milliseconds. */
const BEAT_MS = 1000
/** A worker hangs when it has answered none of this many beats. */
const MOST_MISSED = 10

interface Beat {
  beat?: true
}

/**
 * Asks a worker at every beat whether its event loop turns, until it ends or is found to hang. Beats are counted, and not
 * seconds: a machine that was suspended has missed one.
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

/** Has this process, a worker, answer every beat. */
export function answerBeats(): void {
  process.on('message', ({ beat }: Beat) => {
    if (beat && process.connected) process.send!({ beat })
  })
}
