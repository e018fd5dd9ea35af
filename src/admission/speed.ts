/** Length of one measurement, in milliseconds in which the event loop was busy. */
const WINDOW = 100
/**
 * Weight of a new measurement. A slower one weighs more: a wait longer than expected harms the client, while a
 * client that is refused needlessly can try again.
 */
const SLOWER = 0.5
const FASTER = 0.05
/** Upper limit of `stretch`: under overload, a turn of the event loop leaves about a quarter of its time to work. */
const LONGEST_STRETCH = 4

/** Measures how much slower work gets while requests wait, because the event loop also does other things, such as refusing. */
export class Speed {
  /** Milliseconds that the event loop is busy for each millisecond of work on requests. */
  stretch = 1
  /** In the current measurement: the time that the loop was busy while a request had a slice, and the work in it. */
  #took = 0
  #spent = 0
  /** Total busy time of the loop at the last call. Unknown until a slice begins. */
  #since: number | undefined

  /** Forgets all measurements, because without waiting requests they do not predict the speed under load. */
  reset(): void {
    this.stretch = 1
    this.#took = 0
    this.#spent = 0
    this.#since = undefined
  }

  /** A slice begins. `active` is the total busy time of the event loop. */
  begin(active: number): void {
    this.#since = active
  }

  /** Records work on requests during a slice. Returns whether a measurement is complete, so that `stretch` changed. */
  note(spent: number, active: number): boolean {
    const since = this.#since
    this.#since = active
    if (since === undefined) return false
    this.#took += active - since
    this.#spent += spent
    if (this.#took < WINDOW) return false
    const stretch = Math.min(LONGEST_STRETCH, Math.max(1, this.#took / this.#spent))
    const weight = stretch > this.stretch ? SLOWER : FASTER
    this.stretch += weight * (stretch - this.stretch)
    this.#took = 0
    this.#spent = 0
    return true
  }
}
