/**
 * Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), run as
 * NumPy runs it: the counter is raised before each block of four words, and a word becomes a
 * double by `(x >> 11) * 2^-53`. A number is a pure function of its address, so nothing is kept
 * between requests.
 */

/** What a request says of its random numbers. */
export interface Address {
  seed: bigint
  stream: bigint
  step: bigint
}

/** Where a run of uniform numbers starts. Each consumer of randomness has a purpose of its own. */
export interface RandomAddress extends Address {
  purpose: bigint
}

/** The purpose numbers. They are part of the wire contract: a recorded answer must replay. */
export const purposes = { draw: 0n, xtc: 1n } as const

const WORD = 0xffff_ffff_ffff_ffffn
const MULTIPLIER_0 = 0xd2e7_470e_e14c_6c93n
const MULTIPLIER_1 = 0xca5a_8263_9512_1157n
const WEYL_0 = 0x9e37_79b9_7f4a_7c15n
const WEYL_1 = 0xbb67_ae85_84ca_a73bn
const ROUNDS = 10

type Block = [bigint, bigint, bigint, bigint]

function philox([c0, c1, c2, c3]: Block, seed: bigint, stream: bigint): Block {
  let key0 = seed
  let key1 = stream
  for (let round = 0; round < ROUNDS; round++) {
    const product0 = MULTIPLIER_0 * c0
    const product1 = MULTIPLIER_1 * c2
    c0 = (product1 >> 64n) ^ c1 ^ key0
    c1 = product1 & WORD
    c2 = (product0 >> 64n) ^ c3 ^ key1
    c3 = product0 & WORD
    key0 = (key0 + WEYL_0) & WORD
    key1 = (key1 + WEYL_1) & WORD
  }
  return [c0, c1, c2, c3]
}

/**
 * The first `count` uniform numbers in [0, 1) from an address; the same as
 * `np.random.Generator(np.random.Philox(key=[seed, stream], counter=[0, step, purpose, 0])).random(count)`.
 */
export function uniforms(address: RandomAddress, count: number): Float64Array {
  const values = new Float64Array(count)
  for (let start = 0, block = 1n; start < count; start += 4, block++) {
    const words = philox([block, address.step, address.purpose, 0n], address.seed, address.stream)
    for (let i = 0; i < 4 && start + i < count; i++) {
      values[start + i] = Number(words[i]! >> 11n) * 2 ** -53
    }
  }
  return values
}
