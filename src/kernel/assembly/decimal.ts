// Rounds w 10^q to the nearest float64, after Lemire, "Number parsing at a gigabyte per second" (2021). w is shifted up to
// 64 bits and 5^q is known to 128 bits. The upper 64 bits of their product contain the 54 bits that decide the rounding. Only
// if all bits below these are ones, the part left out could carry into them.
import { HIGHEST_POWER, LOWEST_POWER, POWERS } from './powers';
import { multiplyHigh } from './wide';

/** The upper 64 of the 128 bits of 5^q. */
// @ts-ignore: decorator
@inline export function powerOfFive(q: i32): u64 {
  return load<u64>(POWERS + (<usize>(q - LOWEST_POWER) << 4));
}

/** The low bits of a product that do not decide the rounding. If they are all ones, a carry would pass through them. */
// @ts-ignore: decorator
@inline export const UNDECIDED: u64 = 0x1ff;

/**
 * The float64 nearest to w 10^q. `product` is the upper half of (w << shift) 5^q; `more` is 1 if the rest is above 0. The
 * conversion of an integer to float64 does the rounding, ties to even; the factor after it is a power of two.
 */
// @ts-ignore: decorator
@inline export function assemble(product: u64, more: u64, shift: u64, q: i32, negative: u32): f64 {
  // floor(log2(10^q)), correct for |q| < 500.
  const exponent = (217706 * q) >> 16;
  const power = (((<u64>exponent + 1025) - shift) << 52) | (<u64>negative << 63);
  return <f64><i64>((product >> 1) | (product & 1) | more) * reinterpret<f64>(power);
}

/** w 10^q, correctly rounded. NaN if the rounding is uncertain, or if q is outside the table. */
export function scale(w: u64, q: i64): f64 {
  // w is below 2^64: with such a q the number is below half of the smallest float64, or above the largest.
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
  // Only small powers give an exact product, which may be a tie. For others, the error of the rounded power is below these words.
  const exact = low == 0 && power >= -4 && power <= 23;
  return assemble(high, u64(!exact), shift, power, 0);
}
