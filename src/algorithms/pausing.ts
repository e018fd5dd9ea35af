/**
 * Work that may take long. Where it yields, others may have their turn; it is gone on with before any
 * other row is sampled.
 */
export type Pausing<Result = void> = Generator<undefined, Result, undefined>

/** How many tokens are looked at in one go: some tenths of a millisecond, at a few nanoseconds each. */
export const PART = 2 ** 15

/** Steps over more logits than this are parts by themselves; of fewer, some steps together are one. */
export const LARGE = 2 ** 18

/** Do all of it in one go. */
export function atOnce<Result>(work: Pausing<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}
