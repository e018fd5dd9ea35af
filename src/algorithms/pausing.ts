/**
 * Work in parts. At each yield other requests may have their turn, but the work must end before another row is
 * sampled.
 */
export type Pausing<Result = void> = Generator<undefined, Result, undefined>

/** The number of tokens of one part: at a few nanoseconds each, some tenths of a millisecond. */
export const PART = 2 ** 15

/** A sampler is a part of its own if the row has more logits than this. With fewer, several samplers share a part. */
export const LARGE = 2 ** 18

/** Runs work without pausing. */
export function atOnce<Result>(work: Pausing<Result>): Result {
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** Completes work in parts. `undefined` is work that is done already. */
export function* finish(work: Pausing | undefined): Pausing {
  if (work) yield* work
}
