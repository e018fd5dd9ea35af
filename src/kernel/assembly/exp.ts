// The term exp((l - max) / T) of a row, four float32 at a time.
//
// Argument reduction after Cody and Waite (1980), but in the logit's own unit: with c = T ln 2,
// n = round((l - max) / c) and r = l - max - n c, the term is 2^n exp(r / T). Two things keep r accurate
// to float32's last bits although neither l - max nor n c is representable:
// - c = cHigh + cLow and max = maxHigh + maxLow, where the high parts are multiples of a power of two
//   so coarse that maxHigh + n cHigh is exact; l minus it is exact too (Sterbenz).
// - the polynomial takes r, not r / T: its coefficients are divided by powers of T once per call.
// Together they take five instructions more than rounding (l - max) log2(e) / T to float32, and are ten times as accurate far from
// the maximum.
//
// exp(x) = 1 + C1 x + ... + C5 x^5 on |x| <= ln 2 / 2 is minimax in relative error, with the constant fixed at 1 so that
// exp(0) is exactly 1. The coefficients are by Remez exchange (remez.py); the largest relative error is 9.2e-8.
import { LOWEST, MASKED } from './constants';
import { keyOf, valueOf } from './keys';
import { exp } from './scalar';

const C1: f64 = 0.99999970701419506244;
const C2: f64 = 0.49999149192997608768;
const C3: f64 = 0.16667636581717775086;
const C4: f64 = 0.041897975353147602089;
const C5: f64 = 0.0082903061599243761179;
const LN2: f64 = 0.69314718055994530942;
const LOG2E: f64 = 1.4426950408889634074;

// Terms below exp(NEGLIGIBLE) > 2^-125 are 0: from there up the float32 exponent neither reaches 0 nor wraps.
const NEGLIGIBLE: f64 = -86.5;

// Beyond these bounds the powers of the temperature leave float32's range, or the grid is too coarse for c. Such rows are
// computed in float64, entry by entry.
const COOLEST: f64 = 1.0 / 1048576.0;
const HOTTEST: f64 = 1048576.0;
const FARTHEST: f64 = 524288.0;

const PLAN: usize = memory.data(15 * 16, 16);

// @ts-ignore: decorator
@inline function put(index: usize, value: f64): void {
  v128.store(PLAN + (index << 4), f32x4.splat(<f32>value));
}

/** A value of the plan in all lanes. Load it before the loop (see maskedLanes). */
// @ts-ignore: decorator
@inline export function planned(index: usize): v128 {
  return v128.load(PLAN + (index << 4));
}

/** Prepares `term` for a row. Returns false if float32 is not precise enough; then use `exactTerm`. */
export function plan(max: f32, temperature: f64): bool {
  if (!(temperature >= COOLEST && temperature <= HOTTEST && Math.abs(<f64>max) <= FARTHEST * temperature)) return false;
  const scale = 1.0 / temperature;
  const c = temperature * LN2;
  // 2^exponent > |max| + 88 T >= |maxHigh + n cHigh|, in 24 bits of this grid.
  const reach = Math.abs(<f64>max) + 88.0 * temperature;
  const exponent = ((reinterpret<i64>(reach) >> 52) & 0x7ff) - 1022;
  const grid = reinterpret<f64>((exponent - 24 + 1023) << 52);
  const maxHigh = nearest(<f64>max / grid) * grid;
  const cHigh = nearest(c / grid) * grid;
  const cutoff = <f32>(<f64>max + NEGLIGIBLE * temperature);
  const floor = cutoff == 0 ? reinterpret<f32>(0x80000001) : valueOf(keyOf(cutoff) - 1);
  put(0, 12582912.0); // 1.5 * 2^23: adding it rounds to an integer held in the low bits
  put(1, 1.0);
  put(2, <f64>max);
  put(3, scale * LOG2E);
  put(4, maxHigh);
  put(5, <f64>max - maxHigh);
  put(6, cHigh);
  put(7, c - cHigh);
  put(8, <f64>cutoff);
  put(9, C1 * scale);
  put(10, C2 * scale * scale);
  put(11, C3 * scale * scale * scale);
  put(12, C4 * scale * scale * scale * scale);
  put(13, C5 * scale * scale * scale * scale * scale);
  put(14, <f64>floor);
  return true;
}

/** exp((l - max) / T) of four entries; `d` is l - max. It is 0 below the cutoff, also for NaN and -Infinity, whose results are masked. */
// @ts-ignore: decorator
@inline export function term(
  l: v128, d: v128, magic: v128, one: v128, scale: v128, maxHigh: v128, maxLow: v128, cHigh: v128, cLow: v128,
  cutoff: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128,
): v128 {
  const shifted = f32x4.add(f32x4.mul(d, scale), magic);
  const n = f32x4.sub(shifted, magic);
  const near = f32x4.sub(l, f32x4.add(f32x4.mul(n, cHigh), maxHigh));
  const r = f32x4.sub(near, f32x4.add(f32x4.mul(n, cLow), maxLow));
  let p = f32x4.add(f32x4.mul(r, c5), c4);
  p = f32x4.add(f32x4.mul(p, r), c3);
  p = f32x4.add(f32x4.mul(p, r), c2);
  p = f32x4.add(f32x4.mul(p, r), c1);
  p = f32x4.add(f32x4.mul(p, r), one);
  return v128.and(i32x4.add(p, i32x4.shl(shifted, 23)), f32x4.ge(l, cutoff));
}

export function exactTerm(l: f32, max: f32, temperature: f64): f64 {
  const x = (<f64>l - <f64>max) / temperature;
  return l == MASKED || x < NEGLIGIBLE ? 0 : exp(x);
}

/** Logits below this have an exact term of 0. At low temperatures this is nearly the whole row. */
export function exactCutoff(max: f32, temperature: f64): f32 {
  const cutoff = <f32>(<f64>max + NEGLIGIBLE * temperature);
  return cutoff > LOWEST ? valueOf(keyOf(cutoff) - 1) : LOWEST;
}
