// From w 10^q to the nearest float64: Lemire, "Number parsing at a gigabyte per second" (2021). With w shifted up to 64 bits
// and 5^q known to 128, the upper 64 bits of their product hold the 54 that decide, unless the bits below them are all ones
// and what was left out could carry into them.
import { HIGHEST_POWER, LOWEST_POWER, POWERS } from './powers';
import { multiplyHigh } from './wide';

/** The upper word of 5^q's digits. */
// @ts-ignore: decorator
@inline export function powerOfFive(q: i32): u64 {
  return load<u64>(POWERS + (<usize>(q - LOWEST_POWER) << 4));
}

/** The last bits of a product that decide nothing: were they all ones, a carry would pass through them. */
// @ts-ignore: decorator
@inline export const UNDECIDED: u64 = 0x1ff;

/**
 * The float64 next to w 10^q, given the upper half of the product of w << shift and 5^q, and whether the lower one, or what is
 * left out of it, is more than 0. Rounding, to even at a tie, is the host's of an integer; its scale is a power of two.
 */
// @ts-ignore: decorator
@inline export function assemble(product: u64, more: u64, shift: u64, q: i32, negative: u32): f64 {
  // floor(log2(10^q)), good for |q| < 500.
  const exponent = (217706 * q) >> 16;
  const power = (((<u64>exponent + 1025) - shift) << 52) | (<u64>negative << 63);
  return <f64><i64>((product >> 1) | (product & 1) | more) * reinterpret<f64>(power);
}

/** w 10^q, correctly rounded; NaN where that is not certain, or q beyond the table. */
export function scale(w: u64, q: i64): f64 {
  // Every w is below 2^64, so these are less than half the smallest float64, and more than the largest.
  if (w == 0 || q < -343) return 0;
  if (q > 308) return Infinity;
  if (q < LOWEST_POWER || q > HIGHEST_POWER) return NaN;
  const power = <i32>q;
  const shift = clz(w);
  w <<= shift;
  const five = powerOfFive(power);
  let high = multiplyHigh(w, five), low = w * five;
  if ((high & UNDECIDED) == UNDECIDED || low == 0) {
    const more = multiplyHigh(w, load<u64>(POWERS + (<usize>(power - LOWEST_POWER) << 4), 8));
    low += more;
    high += u64(low < more);
    if (low == 0xffffffffffffffff && (power < -27 || power > 55)) return NaN;
  }
  // Only with small powers can the product be exact, and a tie. What rounding the power up has added is below these words.
  const exact = low == 0 && power >= -4 && power <= 23;
  return assemble(high, u64(!exact), shift, power, 0);
}
