/** How much the newest request counts beside those before it. */
const WEIGHT = 0.1
/** A request counts for at most so many of those before it: the first of a process take far longer than the rest. */
const OUTLIER = 4

/** What is expected before any request was seen, in milliseconds: for a request, and for each byte of its body. */
const REQUEST = 0.2
const BYTE = 3e-6

/** What requests cost, as expected from those before them: of the same kind, and of about the same length. */
export class Costs {
  readonly #known = new Map<string, number>()

  /** How long the loop will be busy with a request, in milliseconds. `length` is unknown where it is not announced. */
  of(kind: string, length: number | undefined): number {
    return this.#known.get(keyOf(kind, length)) ?? REQUEST + BYTE * (length ?? 0)
  }

  /** A request has kept the loop busy for so long. */
  note(kind: string, length: number | undefined, spent: number): void {
    const expected = this.of(kind, length)
    const counted = Math.min(spent, OUTLIER * expected)
    this.#known.set(keyOf(kind, length), expected + WEIGHT * (counted - expected))
  }
}

function keyOf(kind: string, length: number | undefined): string {
  return `${kind} ${length === undefined ? '' : Math.ceil(Math.log2(length + 1))}`
}
