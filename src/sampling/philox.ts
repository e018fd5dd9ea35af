import { kernel } from '../kernel/index.ts'
import { collectScratch, SCRATCH_ENTRIES } from '../kernel/memory.ts'

/**
 * Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), as in
 * NumPy: the counter is incremented before each block of four words, and a word becomes a
 * double by `(x >> 11) * 2^-53`. A number is a pure function of its address, so nothing is kept
 * between requests.
 */

/** The part of the address that a request sets. */
export interface Address {
  seed: bigint
  stream: bigint
  step: bigint
}

/** The address of a sequence of uniform numbers. Each use of randomness has a purpose of its own. */
interface RandomAddress extends Address {
  purpose: bigint
}

/** The purpose numbers. They must never change, because a recorded answer must replay. */
export const purposes = { draw: 0n, roll: 1n } as const

const NUMBERS_PER_BLOCK = 4

/**
 * The first `count` uniform numbers in [0, 1) of an address. They equal those of
 *
 *     key = np.array([seed, stream], dtype=np.uint64)
 *     counter = np.array([0, step, purpose, 0], dtype=np.uint64)
 *     np.random.Generator(np.random.Philox(key=key, counter=counter)).random(count)
 *
 * The arrays have a dtype, because NumPy makes float64 of a list with numbers on both sides of 2^63.
 */
export function uniforms(
  { seed, stream, step, purpose }: RandomAddress,
  count: number,
): Float64Array {
  const values = new Float64Array(count)
  for (let start = 0; start < count; start += SCRATCH_ENTRIES) {
    const chunk = Math.min(SCRATCH_ENTRIES, count - start)
    const blocks = Math.ceil(chunk / NUMBERS_PER_BLOCK)
    const first = start / NUMBERS_PER_BLOCK
    values.set(
      collectScratch(chunk, (out) =>
        kernel.philox(seed, stream, step, purpose, first, blocks, out),
      ),
      start,
    )
  }
  return values
}
