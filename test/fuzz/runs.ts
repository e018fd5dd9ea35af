import fc from 'fast-check'

/** FUZZ_RUNS: how many cases of each property. FUZZ_SEED: those of an earlier run, which a failure prints. */
const { FUZZ_RUNS = '50', FUZZ_SEED } = process.env
const runs = Number(FUZZ_RUNS)

/** For a property, in milliseconds. A case takes a few, and a failing one is looked at again to make it small. */
export const TIMEOUT = 60_000 + 100 * runs

/** `share` is smaller than 1 where a case has much to it. */
export async function check<Case>(property: fc.IAsyncProperty<Case>, share = 1): Promise<void> {
  await fc.assert(property, {
    numRuns: Math.ceil(share * runs),
    interruptAfterTimeLimit: TIMEOUT - 10_000,
    ...(FUZZ_SEED !== undefined && { seed: Number(FUZZ_SEED) }),
  })
}
