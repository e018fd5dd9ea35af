import { BLOCK, BLOCK_BYTES, MASKED, maskedLanes } from './constants';
import { maxF32 } from './lanes';

export let scanSum: f32 = 0;

/**
 * Writes block maxima to `maxima` and returns the row's maximum. Also sums all entries: if the sum is below infinity, none is NaN
 * or +Infinity. Adding in the same pass is cheaper than a pass that checks each entry.
 */
export function scan(row: usize, blocks: i32, maxima: usize): f32 {
  const masked = maskedLanes();
  let top = masked;
  let even = f32x4.splat(0), odd = even;
  for (const end = maxima + (<usize>blocks << 2); maxima < end; maxima += 4) {
    let a = masked, b = masked, c = masked, d = masked;
    const stop = row + BLOCK_BYTES;
    do {
      // pmax is one instruction; max is seven, because it must order NaN and -0.
      const l0 = v128.load(row), l1 = v128.load(row, 16), l2 = v128.load(row, 32), l3 = v128.load(row, 48);
      a = f32x4.pmax(a, l0);
      b = f32x4.pmax(b, l1);
      c = f32x4.pmax(c, l2);
      d = f32x4.pmax(d, l3);
      even = f32x4.add(even, f32x4.add(l0, l1));
      odd = f32x4.add(odd, f32x4.add(l2, l3));
      row += 64;
    } while (row < stop);
    a = f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
    store<f32>(maxima, maxF32(a));
    top = f32x4.pmax(top, a);
  }
  const sums = f32x4.add(even, odd);
  scanSum = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  return maxF32(top) + 0; // turns -0 into 0, so that the order of zeros does not matter
}

/** The lowest id whose logit equals `max`; -1 if none. */
export function indexOfMax(row: usize, blocks: i32, maxima: usize, max: f32): i32 {
  const wanted = f32x4.splat(max);
  for (let i = 0; i < blocks; i++) {
    if (load<f32>(maxima + (<usize>i << 2)) != max) continue;
    const first = row + <usize>i * BLOCK_BYTES;
    for (let at: usize = 0; at < BLOCK_BYTES; at += 16) {
      const hits = i32x4.bitmask(f32x4.eq(v128.load(first + at), wanted));
      if (hits) return <i32>((<usize>i * BLOCK_BYTES + at) >> 2) + ctz(hits);
    }
  }
  return -1;
}

/** Masks the entries below `threshold`, and updates the block maxima. */
export function maskBelow(row: usize, blocks: i32, maxima: usize, threshold: f32): void {
  const bound = f32x4.splat(threshold);
  const masked = maskedLanes();
  for (let i = 0; i < blocks; i++, maxima += 4) {
    if (load<f32>(maxima) < threshold) store<f32>(maxima, MASKED);
    for (const stop = row + BLOCK_BYTES; row < stop; row += 16) {
      const l = v128.load(row);
      v128.store(row, v128.bitselect(l, masked, f32x4.ge(l, bound)));
    }
  }
}

const INFINITY: usize = memory.data<u32>([0x7f800000, 0x7f800000, 0x7f800000, 0x7f800000], 16);

/** The index of the first entry that is NaN or +Infinity; -1 if none. The padding after `count` is masked. */
export function findNotLogit(row: usize, count: i32): i32 {
  const infinity = v128.load(INFINITY);
  const blocks = (count + BLOCK - 1) / BLOCK;
  let at = row;
  for (const end = row + <usize>blocks * BLOCK_BYTES; at < end; at += 64) {
    const below = v128.and(
      v128.and(f32x4.lt(v128.load(at), infinity), f32x4.lt(v128.load(at, 16), infinity)),
      v128.and(f32x4.lt(v128.load(at, 32), infinity), f32x4.lt(v128.load(at, 48), infinity)));
    if (i32x4.bitmask(below) == 15) continue;
    while (load<f32>(at) < Infinity) at += 4;
    return <i32>((at - row) >> 2);
  }
  return -1;
}
