/** A body of which less than `PROGRESS` bytes come in so many milliseconds takes no place from others. */
const PATIENCE = 5
const PROGRESS = 2 ** 14
/** How long a request computes before others that are ready have their turn, in milliseconds. */
export const TURN = 50

/** A body of no more bytes than this needs no memory to speak of. */
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
    if (this.received - this.#counted < PROGRESS) return
    this.#counted = this.received
    this.progressed = now
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
