/** A body of which less than `PROGRESS` bytes come in so many milliseconds takes no place from others. */
const PATIENCE = 5
const PROGRESS = 2 ** 14
/** How long a request computes before others that are ready have their turn, in milliseconds. */
export const TURN = 50

/**
 * A client that sends or reads less than `PROGRESS`, or than this part of what its request holds, in so many
 * milliseconds, is stuck. The rest of a small body comes sooner.
 */
const PART = 1 / 32
const STUCK = 1000
const SMALL_STUCK = 100

/** A body of no more bytes than this rarely needs much memory. */
const SMALL = 2 ** 20

/** Whether a body is small; one of unknown length may be large. */
export const isSmall = (length: number | undefined) => length !== undefined && length <= SMALL

/** One request on its way through the server: it waits, is read, is ready, computes, and is written. */
export class Ticket {
  readonly kind: string
  /** What is announced of its body, in bytes. */
  readonly length: number | undefined
  /** How long the loop is expected to be busy with it, in milliseconds, and was. */
  expected: number
  spent = 0
  readonly entered = performance.now()
  state: 'waiting' | 'reading' | 'ready' | 'writing' | 'left' = 'waiting'
  /** When its body began to be read, and when there was last more than a little of it. */
  began = 0
  progressed = 0
  #counted = 0
  /** When its client had last sent or read a good part of what the request holds, and how much it has since. */
  #advanced = 0
  #moved = 0
  /** Since when the client has had to wait, if it does. */
  #paused: number | undefined
  /** What has come of its body, and what else it takes, in bytes. */
  received = 0
  held = 0
  /** Whether its body waits for memory, and so comes no faster. */
  isHeldUp = false
  /** Called when it may go on, or with why it may not. */
  proceed: (() => void) | undefined
  refuse: ((problem: Error) => void) | undefined
  /** Ends its answer, where that is long. */
  cutOff: (() => void) | undefined

  constructor(kind: string, length: number | undefined, expected: number) {
    this.kind = kind
    this.length = length
    this.expected = expected
  }

  receive(bytes: number, now: number): void {
    this.received += bytes
    this.move(bytes, now)
    if (this.received - this.#counted < PROGRESS) return
    this.#counted = this.received
    this.progressed = now
  }

  /** Its client has sent or read so many bytes. */
  move(bytes: number, now: number): void {
    this.#moved += bytes
    if (this.#moved < Math.max(PROGRESS, PART * this.held)) return
    this.#moved = 0
    this.#advanced = now
  }

  /** Its client has to wait, for memory or for a turn. */
  pause(now: number): void {
    this.#paused ??= now
  }

  /** What comes next is up to its client. */
  resume(now: number): void {
    if (this.#paused === undefined) this.#advanced = now
    else this.#advanced += now - this.#paused
    this.#paused = undefined
  }

  /** Whether its client is too slow for the memory that the request holds. */
  isStuck(now: number): boolean {
    const isSmallBody = this.state === 'reading' && isSmall(this.length)
    const most = isSmallBody ? SMALL_STUCK : STUCK
    return this.#paused === undefined && now - this.#advanced > most
  }

  /** Whether it gives the loop something to do. */
  isActive(now: number): boolean {
    return this.state === 'ready' || (this.state === 'reading' && now - this.progressed < PATIENCE)
  }

  /** How long others wait for it at most, in milliseconds, before they have a turn. */
  get ahead(): number {
    return Math.min(TURN, Math.max(0, this.expected - this.spent))
  }

  /** Whether all of its body has come. */
  get isIn(): boolean {
    return this.length !== undefined && this.received >= this.length
  }

  /** What is still to come of its body. */
  get missing(): number {
    return Math.max(0, (this.length ?? 0) - this.received)
  }
}
