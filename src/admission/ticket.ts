/**
 * A body is active if at least `PROGRESS` bytes of it came in the last `PATIENCE` milliseconds. A body that is not
 * active takes no place from other requests.
 */
const PATIENCE = 5
const PROGRESS = 2 ** 14
/** Time that a request computes before it lets others compute, in milliseconds. */
export const SLICE = 50

/**
 * A client is stuck if in `STUCK` milliseconds it sends or reads fewer bytes than `PROGRESS`, or fewer than `PART` of
 * the bytes that its request holds. For small bodies the time is `SMALL_STUCK`.
 */
const PART = 1 / 32
const STUCK = 1000
const SMALL_STUCK = 100

/** Largest small body, in bytes. Small bodies need little memory. */
const SMALL = 2 ** 20

/** Whether a body is small. A body of unknown length counts as large. */
export const isSmall = (length: number | undefined) => length !== undefined && length <= SMALL

/** One request in admission control: it waits in the queue, is read, is ready to compute, computes, and is written. */
export class Ticket {
  readonly kind: string
  /** Announced length of the body, in bytes. */
  readonly length: number | undefined
  /** Time that the event loop is expected to spend on the request, and has spent, in milliseconds. */
  expected: number
  spent = 0
  readonly entered = performance.now()
  state: 'waiting' | 'reading' | 'ready' | 'writing' | 'left' = 'waiting'
  /** When reading the body began, and when another `PROGRESS` bytes of it had last arrived. */
  began = 0
  progressed = 0
  /** Value of `received` at `progressed`. */
  #counted = 0
  /** When a check last found that the client is not stuck, and the bytes that it has sent or read since. */
  #advanced = 0
  #moved = 0
  /** Since when the client waits for the server, if it does. */
  #paused: number | undefined
  /** Bytes of the body that arrived, and all bytes that the request holds. */
  received = 0
  held = 0
  /** Whether the body is not read because there is no memory. */
  lacksMemory = false
  /** Called when the request may go on, or with the reason why it may not. */
  proceed: (() => void) | undefined
  refuse: ((problem: Error) => void) | undefined
  /** Ends an answer that is sent in pieces. */
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

  /** Records bytes that the client has sent or read. */
  move(bytes: number, now: number): void {
    this.#moved += bytes
    if (this.#moved < Math.max(PROGRESS, PART * this.held)) return
    this.#moved = 0
    this.#advanced = now
  }

  /** The client must wait for the server, for memory or for a slice. */
  pause(now: number): void {
    this.#paused ??= now
  }

  /** The server waits for the client again. */
  resume(now: number): void {
    if (this.#paused === undefined) this.#advanced = now
    else this.#advanced += now - this.#paused
    this.#paused = undefined
  }

  /** Whether the client is too slow for the memory that the request holds. */
  isStuck(now: number): boolean {
    const isSmallBody = this.state === 'reading' && isSmall(this.length)
    const most = isSmallBody ? SMALL_STUCK : STUCK
    return this.#paused === undefined && now - this.#advanced > most
  }

  /** Whether the request gives the event loop work. */
  isActive(now: number): boolean {
    return this.state === 'ready' || (this.state === 'reading' && now - this.progressed < PATIENCE)
  }

  /** Longest time that the request delays the next one, in milliseconds. */
  get ahead(): number {
    return Math.min(SLICE, Math.max(0, this.expected - this.spent))
  }

  /** Whether the whole body has arrived. */
  get isComplete(): boolean {
    return this.length !== undefined && this.received >= this.length
  }

  /** Bytes of the body that are still to come. */
  get missing(): number {
    return Math.max(0, (this.length ?? 0) - this.received)
  }
}
