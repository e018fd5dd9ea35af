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

/** The float64 whose 53 bits, and one to round by, lead the product of w << shift and 5^q. Normal numbers only. */
// @ts-ignore: decorator
@inline export function assemble(product: u64, shift: u64, q: i32, even: bool): f64 {
  const top = product >> 63;
  let bits = product >> (top + 9);
  bits = (bits + (bits & u64(!even))) >> 1;
  // floor(log2(10^q)), good for |q| < 500. A mantissa that rounds up to 2^53 carries into the exponent, as it should.
  const exponent = <u64>((217706 * q) >> 16) + 63 + top - shift;
  return reinterpret<f64>(bits + ((exponent + 1022) << 52));
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
  if ((high & UNDECIDED) == UNDECIDED) {
    const more = multiplyHigh(w, load<u64>(POWERS + (<usize>(power - LOWEST_POWER) << 4), 8));
    low += more;
    high += u64(low < more);
    if (low == 0xffffffffffffffff && (power < -27 || power > 55)) return NaN;
  }
  // Halfway between two float64, which only small powers can be: to the even one.
  const unused = (high >> 63) + 9;
  const half = low <= 1 && (high & (((<u64>1) << unused) - 1)) == 0;
  const even = half && power >= -4 && power <= 23 && ((high >> unused) & 3) == 1;
  return assemble(high, shift, power, even);
}
