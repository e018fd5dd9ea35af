/** The speed is measured over so many milliseconds of the loop at a time. */
const WINDOW = 100
/** How much a new measurement counts. A slower one counts more: who waits longer than expected is harmed, who is refused in vain asks again. */
const SLOWER = 0.5
const FASTER = 0.05
/** How slow the speed is taken to be at most: a turn of the loop leaves about this part of it to work. */
const LONGEST_STRETCH = 4

/** The speed at which work is done while requests wait: what else the loop does, such as refusing, takes time from it. */
export class Speed {
  /** How long the loop is busy, for each millisecond that it works on requests. */
  stretch = 1
  /** How long it was busy while a request had its turn to compute, and how long it has worked in this time. */
  #took = 0
  #spent = 0
  /** How long it had ever been busy when it was looked at last. */
  #since = 0

  /** Nothing waits, and what is measured now says nothing of later. */
  reset(): void {
    this.stretch = 1
    this.#took = 0
    this.#spent = 0
  }

  /** A request has its turn. `active` is how long the loop has ever been busy. */
  begin(active: number): void {
    this.#since = active
  }

  /** The loop has worked for so long, while a request has its turn. Whether the speed was measured anew. */
  note(spent: number, active: number): boolean {
    this.#took += active - this.#since
    this.#spent += spent
    this.#since = active
    if (this.#took < WINDOW) return false
    const stretch = Math.min(LONGEST_STRETCH, Math.max(1, this.#took / this.#spent))
    const weight = stretch > this.stretch ? SLOWER : FASTER
    this.stretch += weight * (stretch - this.stretch)
    this.#took = 0
    this.#spent = 0
    return true
  }
}
