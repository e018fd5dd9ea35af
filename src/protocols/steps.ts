/** A part of an answer: text or bytes. */
export type Part = string | Uint8Array

/**
 * Work in steps: the caller may pause it at each yield. It yields each part of an answer when the part is
 * finished, and undefined at other places to pause.
 */
export type Steps<Result = void> = Generator<Part | undefined, Result>

/** Counts memory: called with the number of bytes that values take until they are written, and with a negative number when they are freed. */
export type Hold = (bytes: number) => void

/** Runs all steps without pausing. Returns their result and the parts that they yielded. */
export function finish<Result>(steps: Steps<Result>): { result: Result; parts: Part[] } {
  const parts: Part[] = []
  for (;;) {
    const { done, value } = steps.next()
    if (done) return { result: value, parts }
    if (value !== undefined) parts.push(value)
  }
}
