/** Weight of the newest request in the moving average. */
const WEIGHT = 0.1
/** A cost counts for at most this multiple of the expected one, because the first requests of a process take far longer. */
const OUTLIER = 4

/** Expected cost before any request was seen, in milliseconds: for a request, and for each byte of its body. */
const REQUEST = 0.2
const BYTE = 3e-6

/** Estimates the cost of a request from earlier ones of the same kind and about the same length. */
export class Costs {
  /** By kind, then by the logarithm of the length. */
  readonly #known = new Map<string, (number | undefined)[]>()

  /** Expected time that the event loop spends on a request, in milliseconds. `length` is unknown for a chunked body. */
  of(kind: string, length: number | undefined): number {
    return this.#known.get(kind)?.[classOf(length)] ?? REQUEST + BYTE * (length ?? 0)
  }

  /** Records the time that the event loop spent on a request, in milliseconds. */
  note(kind: string, length: number | undefined, spent: number): void {
    const expected = this.of(kind, length)
    const counted = Math.min(spent, OUTLIER * expected)
    const ofKind = this.#known.get(kind) ?? []
    ofKind[classOf(length)] = expected + WEIGHT * (counted - expected)
    this.#known.set(kind, ofKind)
  }
}

const classOf = (length: number | undefined) =>
  length === undefined ? 0 : 1 + Math.ceil(Math.log2(length + 1))
