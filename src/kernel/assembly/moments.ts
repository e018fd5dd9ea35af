import { BLOCK_BYTES, MASKED, maskedLanes } from './constants';
import { sumF64, sumI32, upperHalf } from './lanes';

export let momentCount: i32 = 0;
export let momentMean: f64 = 0;
export let momentSquares: f64 = 0;

/** Outside these bounds, squares may have underflowed or overflowed float32. */
const NARROW: f64 = 1e-20;
const WIDE: f64 = 1e30;

/**
 * Sets the globals: the number of unmasked entries, the mean of d = l - max, and the sum of (d - mean)^2. One pass sums
 * differences to a pivot. The pivot is the mean of the m entries of the first block that has any. They belong to the row, so
 * (pivot - mean)^2 <= N / m variances, and the subtraction at the end loses at most that factor.
 */
export function moments(row: usize, blocks: i32, max: f32): void {
  const center = pivot(row, blocks);
  const start = row;
  const masked = maskedLanes();
  const center32 = f32x4.splat(center);
  let counts = i32x4.splat(0);
  let sums = f64x2.splat(0), squares = f64x2.splat(0);
  for (const end = row + <usize>blocks * BLOCK_BYTES; row < end; row += 64) {
    // A masked entry moved onto the pivot adds nothing to either sum.
    const l0 = v128.load(row), l1 = v128.load(row, 16), l2 = v128.load(row, 32), l3 = v128.load(row, 48);
    const u0 = f32x4.gt(l0, masked), u1 = f32x4.gt(l1, masked), u2 = f32x4.gt(l2, masked), u3 = f32x4.gt(l3, masked);
    counts = i32x4.add(counts, i32x4.add(i32x4.add(u0, u1), i32x4.add(u2, u3)));
    const d0 = v128.and(f32x4.sub(l0, center32), u0), d1 = v128.and(f32x4.sub(l1, center32), u1);
    const d2 = v128.and(f32x4.sub(l2, center32), u2), d3 = v128.and(f32x4.sub(l3, center32), u3);
    const sum = f32x4.add(f32x4.add(d0, d1), f32x4.add(d2, d3));
    const square = f32x4.add(
      f32x4.add(f32x4.mul(d0, d0), f32x4.mul(d1, d1)),
      f32x4.add(f32x4.mul(d2, d2), f32x4.mul(d3, d3)));
    sums = f64x2.add(sums, f64x2.add(f64x2.promote_low_f32x4(sum), f64x2.promote_low_f32x4(upperHalf(sum))));
    squares = f64x2.add(squares, f64x2.add(f64x2.promote_low_f32x4(square), f64x2.promote_low_f32x4(upperHalf(square))));
  }
  if (!(sumF64(squares) > NARROW && sumF64(squares) < WIDE)) {
    exactly(start, blocks, max, center);
    return;
  }
  const count = -sumI32(counts);
  const sum = sumF64(sums);
  momentCount = count;
  momentMean = count ? (<f64>center - <f64>max) + sum / <f64>count : 0;
  momentSquares = count ? Math.max(sumF64(squares) - sum * (sum / <f64>count), 0) : 0;
}

/** The same in float64. */
function exactly(row: usize, blocks: i32, max: f32, center: f32): void {
  const masked = maskedLanes();
  const center32 = f32x4.splat(center);
  const center64 = f64x2.splat(<f64>center);
  let counts = i32x4.splat(0);
  let sum0 = f64x2.splat(0), sum1 = f64x2.splat(0), square0 = f64x2.splat(0), square1 = f64x2.splat(0);
  let sum2 = f64x2.splat(0), sum3 = f64x2.splat(0), square2 = f64x2.splat(0), square3 = f64x2.splat(0);
  for (const end = row + <usize>blocks * BLOCK_BYTES; row < end; row += 32) {
    let l = v128.load(row);
    let unmasked = f32x4.gt(l, masked);
    counts = i32x4.add(counts, unmasked);
    // A masked entry moved onto the pivot adds nothing to either sum.
    l = v128.bitselect(l, center32, unmasked);
    let d = f64x2.sub(f64x2.promote_low_f32x4(l), center64);
    sum0 = f64x2.add(sum0, d);
    square0 = f64x2.add(square0, f64x2.mul(d, d));
    d = f64x2.sub(f64x2.promote_low_f32x4(upperHalf(l)), center64);
    sum1 = f64x2.add(sum1, d);
    square1 = f64x2.add(square1, f64x2.mul(d, d));
    l = v128.load(row, 16);
    unmasked = f32x4.gt(l, masked);
    counts = i32x4.add(counts, unmasked);
    l = v128.bitselect(l, center32, unmasked);
    d = f64x2.sub(f64x2.promote_low_f32x4(l), center64);
    sum2 = f64x2.add(sum2, d);
    square2 = f64x2.add(square2, f64x2.mul(d, d));
    d = f64x2.sub(f64x2.promote_low_f32x4(upperHalf(l)), center64);
    sum3 = f64x2.add(sum3, d);
    square3 = f64x2.add(square3, f64x2.mul(d, d));
  }
  const count = -sumI32(counts);
  const sum = sumF64(f64x2.add(f64x2.add(sum0, sum1), f64x2.add(sum2, sum3)));
  const square = sumF64(f64x2.add(f64x2.add(square0, square1), f64x2.add(square2, square3)));
  momentCount = count;
  momentMean = count ? (<f64>center - <f64>max) + sum / <f64>count : 0;
  momentSquares = count ? Math.max(square - sum * (sum / <f64>count), 0) : 0;
}

function pivot(row: usize, blocks: i32): f32 {
  for (let i = 0; i < blocks; i++) {
    let sum: f64 = 0;
    let count = 0;
    for (const stop = row + BLOCK_BYTES; row < stop; row += 4) {
      const l = load<f32>(row);
      if (l == MASKED) continue;
      sum += <f64>l;
      count++;
    }
    if (count) return <f32>(sum / <f64>count);
  }
  return 0;
}
