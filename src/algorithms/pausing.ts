/**
 * Work that may take long. Where it yields, other requests may run, but no other row is sampled before this work is
 * finished.
 */
export type Pausing<Result = void> = Generator<undefined, Result, undefined>

/** How many tokens one part of the work goes through: some tenths of a millisecond, at a few nanoseconds each. */
export const PART = 2 ** 15

/** With more logits than this, each step over all of them is a part by itself. With fewer, several steps are one part. */
export const LARGE = 2 ** 18

/** Do all of the work without a pause. */
export function atOnce<Result>(work: Pausing<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
