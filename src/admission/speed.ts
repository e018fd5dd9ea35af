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
  #spent = 0
  #began: number | undefined

  /** Nothing waits, and what is measured now says nothing of later. */
  reset(): void {
    this.stretch = 1
    this.#spent = 0
    this.#began = undefined
  }

  /** The loop has worked on a request for so long; `active` is how long it has ever been busy. Whether the speed was measured anew. */
  note(spent: number, active: number): boolean {
    this.#began ??= active - spent
    this.#spent += spent
    const took = active - this.#began
    if (took < WINDOW) return false
    const stretch = Math.min(LONGEST_STRETCH, Math.max(1, took / this.#spent))
    const weight = stretch > this.stretch ? SLOWER : FASTER
    this.stretch += weight * (stretch - this.stretch)
    this.#began = active
    this.#spent = 0
    return true
  }
}
