import fc from 'fast-check'

/** FUZZ_RUNS is the number of cases of each property. FUZZ_SEED repeats an earlier run; a failure prints it. */
const { FUZZ_RUNS = '50', FUZZ_SEED } = process.env
const runs = Number(FUZZ_RUNS)

/** The timeout of a property in milliseconds. A case takes a few; a failing case is run again while it is shrunk. */
export const TIMEOUT = 60_000 + 100 * runs

/** `share` is below 1 if a case takes long. */
export async function check<Case>(property: fc.IAsyncProperty<Case>, share = 1): Promise<void> {
  await fc.assert(property, {
    numRuns: Math.ceil(share * runs),
    interruptAfterTimeLimit: TIMEOUT - 10_000,
    ...(FUZZ_SEED !== undefined && { seed: Number(FUZZ_SEED) }),
  })
}
