// Decoders of little-endian elements, at any alignment, to float32. They write exactly 4 count bytes and read nothing past the
// last element: whole vectors first, then single entries. Source and destination do not overlap.

// V8 rebuilds a v128 constant at every use, so these are loaded before the loop (see maskedLanes).
const HALF: usize = memory.data<u16>([
  0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff,
  0x8fff, 0x8fff, 0x8fff, 0x8fff, 0x8fff, 0x8fff, 0x8fff, 0x8fff,
  0x3800, 0x3800, 0x3800, 0x3800, 0x3800, 0x3800, 0x3800, 0x3800,
  0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff, 0x7bff,
  0x0400, 0x0400, 0x0400, 0x0400, 0x0400, 0x0400, 0x0400, 0x0400,
], 16);

const SMALLEST_HALF: f32 = 5.9604644775390625e-8; // 2^-24
const SMALLEST_HALVES: usize = memory.data<f32>([SMALLEST_HALF, SMALLEST_HALF, SMALLEST_HALF, SMALLEST_HALF], 16);
const SIGNS: usize = memory.data<u32>([0x80000000, 0x80000000, 0x80000000, 0x80000000], 16);

/**
 * A normal float16 becomes a float32 by shifting its bits and adding 112 to its exponent; for infinities and NaN, 112 is added
 * twice. The upper halves of eight float32 are computed in one vector, then interleaved with the lower halves.
 */
export function decodeFloat16(source: usize, count: i32, out: usize): void {
  const magnitude = v128.load(HALF), moved = v128.load(HALF, 16), raise = v128.load(HALF, 32);
  const largest = v128.load(HALF, 48), smallest = v128.load(HALF, 64);
  const end = out + (<usize>count << 2);
  for (; out + 32 <= end; source += 16, out += 32) {
    const half = v128.load(source);
    const size = v128.and(half, magnitude);
    let upper = i16x8.add(v128.and(i16x8.shr_s(half, 3), moved), raise);
    upper = i16x8.add(upper, v128.and(i16x8.gt_s(size, largest), raise));
    const lower = i16x8.shl(half, 13);
    let first = v128.shuffle<i16>(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11);
    let second = v128.shuffle<i16>(lower, upper, 4, 12, 5, 13, 6, 14, 7, 15);
    const small = i16x8.lt_s(size, smallest);
    if (v128.any_true(small)) {
      // Zeros and subnormals are multiples of 2^-24. Scaling the shifted bits would be slow, because it makes float32 subnormals.
      const unit = v128.load(SMALLEST_HALVES), signs = v128.load(SIGNS);
      const size0 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(size)), unit);
      const size1 = f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(size)), unit);
      first = v128.bitselect(v128.or(size0, v128.and(first, signs)), first, i32x4.extend_low_i16x8_s(small));
      second = v128.bitselect(v128.or(size1, v128.and(second, signs)), second, i32x4.extend_high_i16x8_s(small));
    }
    v128.store(out, first);
    v128.store(out, second, 16);
  }
  for (; out < end; source += 2, out += 4) store<f32>(out, halfToFloat(load<u16>(source)));
}

function halfToFloat(half: u32): f32 {
  const sign = (half & 0x8000) << 16, size = half & 0x7fff;
  if (size < 0x0400) return reinterpret<f32>(reinterpret<u32>(<f32>size * SMALLEST_HALF) | sign);
  return reinterpret<f32>(sign | ((size << 13) + (size > 0x7bff ? 0x70000000 : 0x38000000)));
}

/** A bfloat16 is the upper half of a float32. */
export function decodeBfloat16(source: usize, count: i32, out: usize): void {
  const end = out + (<usize>count << 2);
  const zero = i32x4.splat(0);
  for (; out + 32 <= end; source += 16, out += 32) {
    const upper = v128.load(source);
    v128.store(out, v128.shuffle<i16>(zero, upper, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(out, v128.shuffle<i16>(zero, upper, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
  for (; out < end; source += 2, out += 4) store<u32>(out, <u32>load<u16>(source) << 16);
}

/** Rounds to the nearest float32, ties to even. Numbers beyond float32's range become infinities. */
export function decodeFloat64(source: usize, count: i32, out: usize): void {
  const end = out + (<usize>count << 2);
  for (; out + 16 <= end; source += 32, out += 16) {
    const first = f32x4.demote_f64x2_zero(v128.load(source));
    const second = f32x4.demote_f64x2_zero(v128.load(source, 16));
    v128.store(out, v128.shuffle<i32>(first, second, 0, 1, 4, 5));
  }
  for (; out < end; source += 8, out += 4) store<f32>(out, <f32>load<f64>(source));
}
