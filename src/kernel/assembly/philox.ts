// Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), in the order NumPy runs it.
import { multiplyHigh } from './wide';

const MULTIPLIER_0: u64 = 0xd2e7470ee14c6c93;
const MULTIPLIER_1: u64 = 0xca5a826395121157;
const WEYL_0: u64 = 0x9e3779b97f4a7c15;
const WEYL_1: u64 = 0xbb67ae8584caa73b;
const ROUNDS = 10;

// @ts-ignore: decorator
@inline function toUniform(word: u64): f64 {
  return <f64>(word >> 11) * 1.1102230246251565e-16; // 2^-53
}

/**
 * Writes uniform numbers in [0, 1) to `out`, as float64: `blocks` blocks of four, from block `first` on. They are those of
 * `np.random.Philox` with key [seed, stream] and counter [0, step, purpose, 0], which increments the counter before each block.
 */
export function philox(seed: u64, stream: u64, step: u64, purpose: u64, first: i32, blocks: i32, out: usize): void {
  for (let block = first + 1; block <= first + blocks; block++, out += 32) {
    let c0 = <u64>block, c1 = step, c2 = purpose, c3: u64 = 0;
    let key0 = seed, key1 = stream;
    for (let round = 0; round < ROUNDS; round++) {
      const high0 = multiplyHigh(MULTIPLIER_0, c0), low0 = MULTIPLIER_0 * c0;
      const high1 = multiplyHigh(MULTIPLIER_1, c2), low1 = MULTIPLIER_1 * c2;
      c0 = high1 ^ c1 ^ key0;
      c1 = low1;
      c2 = high0 ^ c3 ^ key1;
      c3 = low0;
      key0 += WEYL_0;
      key1 += WEYL_1;
    }
    store<f64>(out, toUniform(c0));
    store<f64>(out, toUniform(c1), 8);
    store<f64>(out, toUniform(c2), 16);
    store<f64>(out, toUniform(c3), 24);
  }
}
