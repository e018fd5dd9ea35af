// Scalar transcendental functions in float64. Unlike the host's Math, they give the same bits on every machine.
//
// exp: reduction x = n ln 2 + r with ln 2 in two parts (Cody and Waite), exp(r) = 1 + r + r^2/2 + r^3 q(r) on |r| <= ln 2 / 2,
// q of degree 8: minimax in relative error by Remez exchange (remez.py), max relative error 5.4e-18.

export const MAGIC: f64 = 6755399441055744.0; // 1.5 * 2^52: adding it rounds to an integer held in the low bits
export const LOG2E: f64 = 1.4426950408889634074;
export const LN2_HIGH: f64 = reinterpret<f64>(0x3fe62e42fee00000); // 33 bits: n * LN2_HIGH is exact
export const LN2_LOW: f64 = 1.90821492927058770002e-10;
export const Q0: f64 = 0.16666666666666433;
export const Q1: f64 = 0.04166666666660395;
export const Q2: f64 = 0.008333333333500045;
export const Q3: f64 = 0.0013888888926801004;
export const Q4: f64 = 0.00019841269466214004;
export const Q5: f64 = 2.480150867580265e-5;
export const Q6: f64 = 2.7557640857543404e-6;
export const Q7: f64 = 2.762518983312924e-7;
export const Q8: f64 = 2.4978387334747674e-8;

export function exp(x: f64): f64 {
  const shifted = x * LOG2E + MAGIC;
  const n = shifted - MAGIC;
  const a = x - n * LN2_HIGH;
  const b = n * LN2_LOW;
  const r = a - b;
  const lost = (a - r) - b;
  const r2 = r * r;
  const r4 = r2 * r2;
  const q = ((Q0 + r * Q1) + r2 * (Q2 + r * Q3)) + r4 * (((Q4 + r * Q5) + r2 * (Q6 + r * Q7)) + r4 * Q8);
  // 1 + r as a sum and its rounding error (Dekker's Fast2Sum), so that only the last addition rounds visibly.
  const head = 1.0 + r;
  const p = head + ((r - (head - 1.0)) + (lost + (r2 * 0.5 + r2 * r * q)));
  if (Math.abs(x) <= 708.0) return reinterpret<f64>(reinterpret<i64>(p) + (reinterpret<i64>(shifted) << 52));
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019412) return 0;
  if (x != x) return x;
  // Scaled by two factors, because 2^n may leave the range of normal numbers although the result does not.
  const whole = <i64>n;
  const half = whole >> 1;
  return p * reinterpret<f64>((half + 1023) << 52) * reinterpret<f64>((whole - half + 1023) << 52);
}

// log(1 + f) = f - (f^2/2 - s (f^2/2 + R)) with s = f / (2 + f): the arrangement of FreeBSD's e_log.c, in which no
// rounding of s reaches the leading digits. R is the atanh series, 2 s^2 (1/3 + s^2/5 + ...), without the terms that are
// below 2^-60 for |s| <= 0.1716.
const SQRT_HALF: f64 = 0.7071067811865475244;

export function log(x: f64): f64 {
  if (!(x > 0)) return x == 0 ? -Infinity : NaN;
  if (x == Infinity) return x;
  let exponent = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984.0; // 2^54: out of the subnormal numbers
    exponent = -54;
  }
  const bits = reinterpret<i64>(x);
  exponent += <i32>(bits >> 52) - 1022;
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3fe0000000000000);
  if (m < SQRT_HALF) {
    m += m;
    exponent--;
  }
  const f = m - 1.0;
  const s = f / (2.0 + f);
  const z = s * s;
  const w = z * z;
  const even = 1.0 / 3.0 + w * (1.0 / 7.0 + w * (1.0 / 11.0 + w * (1.0 / 15.0 + w * (1.0 / 19.0 + w * (1.0 / 23.0)))));
  const odd = 0.2 + w * (1.0 / 9.0 + w * (1.0 / 13.0 + w * (1.0 / 17.0 + w * (1.0 / 21.0))));
  const r = 2.0 * z * (even + z * odd);
  const half = 0.5 * f * f;
  const n = <f64>exponent;
  return n * LN2_HIGH - (half - (s * (half + r) + n * LN2_LOW) - f);
}

/** x to the power y, for x >= 0. Whole powers are multiplied out, so that a result is exact if float64 can represent it. */
export function pow(x: f64, y: f64): f64 {
  if (y == 0) return 1;
  if (Math.abs(y) <= 1024.0 && y == nearest(y)) {
    let n = <i32>Math.abs(y);
    let power: f64 = 1;
    for (let base = x; n; n >>= 1, base *= base) if (n & 1) power *= base;
    return y < 0 ? 1.0 / power : power;
  }
  return x == 0 ? (y > 0 ? 0 : Infinity) : exp(y * log(x));
}
