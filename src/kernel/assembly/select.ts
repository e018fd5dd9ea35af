import { BLOCK_BYTES, LOWEST } from './constants';
import { keyOf, valueOf } from './keys';
import { sumI32, upperHalf } from './lanes';

// For each of the 16 masks of lanes, the byte shuffle that moves the masked lanes to the front.
const COMPRESS: usize = memory.data<u8>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
  0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0,
  8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 2, 3, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0,
  4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 0, 0, 0,
  12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 2, 3, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0,
  4, 5, 6, 7, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 0, 0, 0, 0,
  8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0,
  4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 0, 0, 0,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
], 16);

const LANES: usize = memory.data<u32>([0, 1, 2, 3, 4, 4, 4, 4], 16);

/**
 * Writes the entries with threshold <= logit < limit, ids ascending: ids as uint32, logits as float64. Returns their number.
 * Both outputs need room for 4 entries more, because the last store is a whole vector.
 * Masked entries are never collected, whatever the threshold.
 */
export function collect(row: usize, blocks: i32, maxima: usize, threshold: f32, limit: f32, ids: usize, values: usize): i32 {
  threshold = max(threshold, LOWEST);
  const bound = f32x4.splat(threshold);
  const ceiling = f32x4.splat(limit);
  const lanes = v128.load(LANES);
  const start = ids;
  for (let i = 0; i < blocks; i++) {
    if (load<f32>(maxima + (<usize>i << 2)) < threshold) continue;
    const first = row + <usize>i * BLOCK_BYTES;
    for (let at: usize = 0; at < BLOCK_BYTES; at += 16) {
      const l = v128.load(first + at);
      const hits = i32x4.bitmask(v128.and(f32x4.ge(l, bound), f32x4.lt(l, ceiling)));
      if (hits == 0) continue;
      const order = v128.load(COMPRESS + (<usize>hits << 4));
      const base = i32x4.splat(<i32>((<usize>i * BLOCK_BYTES + at) >> 2));
      const kept = i8x16.swizzle(l, order);
      v128.store(ids, i8x16.swizzle(i32x4.add(base, lanes), order));
      v128.store(values, f64x2.promote_low_f32x4(kept));
      v128.store(values, f64x2.promote_low_f32x4(upperHalf(kept)), 16);
      const count = <usize>popcnt(hits);
      ids += count << 2;
      values += count << 3;
    }
  }
  return <i32>((ids - start) >> 2);
}

/** The number of entries with logit >= threshold. Masked entries never count. */
export function countAtLeast(row: usize, blocks: i32, maxima: usize, threshold: f32): i32 {
  threshold = max(threshold, LOWEST);
  const bound = f32x4.splat(threshold);
  let counts = i32x4.splat(0);
  for (let i = 0; i < blocks; i++, row += BLOCK_BYTES) {
    if (load<f32>(maxima + (<usize>i << 2)) >= threshold) counts = countBlock(row, bound, counts);
  }
  return -sumI32(counts);
}

// @ts-ignore: decorator
@inline function countBlock(block: usize, bound: v128, counts: v128): v128 {
  const stop = block + BLOCK_BYTES;
  do {
    counts = i32x4.add(counts, i32x4.add(
      i32x4.add(f32x4.ge(v128.load(block), bound), f32x4.ge(v128.load(block, 16), bound)),
      i32x4.add(f32x4.ge(v128.load(block, 32), bound), f32x4.ge(v128.load(block, 48), bound))));
    block += 64;
  } while (block < stop);
  return counts;
}

function countSample(row: usize, blocks: i32, stride: i32, threshold: f32): i32 {
  const bound = f32x4.splat(threshold);
  let counts = i32x4.splat(0);
  for (let i = 0; i < blocks; i += stride) counts = countBlock(row + <usize>i * BLOCK_BYTES, bound, counts);
  return -sumI32(counts);
}

function countMaxima(maxima: usize, blocks: i32, threshold: f32): i32 {
  const bound = f32x4.splat(threshold);
  const end = maxima + (<usize>blocks << 2);
  let counts = i32x4.splat(0);
  for (; maxima + 16 <= end; maxima += 16) counts = i32x4.add(counts, f32x4.ge(v128.load(maxima), bound));
  let count = -sumI32(counts);
  for (; maxima < end; maxima += 4) count += i32(load<f32>(maxima) >= threshold);
  return count;
}

// i64, because a difference of keys may exceed 2^31.
// @ts-ignore: decorator
@inline function middleOf(low: i64, above: i64): i64 {
  return low + ((above - low) >> 1);
}

/**
 * A threshold at or slightly below the k-th largest logit, which at least min(k, unmasked) entries reach. k >= 1; `max` is the
 * row's maximum. For small k it is the k-th largest block maximum, because k blocks then have such an entry. For others it is
 * found by counting, until at most k / 8 entries too many reach it; ties may add more.
 */
export function thresholdForCount(row: usize, blocks: i32, maxima: usize, max: f32, k: i32): f32 {
  // Invariant of both searches: k entries reach low, or low is the lowest key; fewer than k reach above.
  let low = <i64>keyOf(LOWEST);
  let above = <i64>keyOf(max) + 1;
  if (k <= blocks >> 1) {
    while (above - low > 1) {
      const middle = middleOf(low, above);
      const count = countMaxima(maxima, blocks, valueOf(<i32>middle));
      if (count < k) above = middle;
      else low = middle;
      if (count == k) break;
    }
    return valueOf(<i32>low);
  }
  const enough = k + (k >> 3);
  // A sample of about 64 blocks guesses where to look; counts of the whole row decide. A bad sample only costs time.
  const stride = blocks >> 6;
  let guesses = stride > 1 ? 4 : 0;
  let wanted = 1.06 * <f64>k / <f64>stride;
  while (above - low > 1) {
    const middle = guesses-- > 0 ? guess(row, blocks, stride, wanted, low, above) : middleOf(low, above);
    const count = countAtLeast(row, blocks, maxima, valueOf(<i32>middle));
    if (count < k) {
      above = middle;
    } else {
      low = middle;
      if (count <= enough) break;
    }
    wanted *= 1.06 * <f64>k / Math.max(<f64>count, 1);
  }
  return valueOf(<i32>low);
}

/** A key strictly between low and above, which about `wanted` entries of the sample reach. */
function guess(row: usize, blocks: i32, stride: i32, wanted: f64, low: i64, above: i64): i64 {
  let middle = middleOf(low, above);
  while (above - low > 1) {
    middle = middleOf(low, above);
    const excess = <f64>countSample(row, blocks, stride, valueOf(<i32>middle)) - wanted;
    if (Math.abs(excess) <= 0.5) break;
    if (excess > 0) low = middle;
    else above = middle;
  }
  return middle;
}
