// Sums of exp((l - max) / T) over a row. The order of additions is fixed: 32 entries are added as a balanced tree of float32
// vectors, so that equal terms add without rounding; the sums of the trees are added in float64.
import { BLOCK_BYTES } from './constants';
import { exactCutoff, exactTerm, plan, planned, term } from './exp';
import { sumF64, upperHalf } from './lanes';

/** Sum of d exp(d) with d = (l - max) / T, set by sumExpWeighted. The entropy is ln Z - weightedSum / Z. */
export let weightedSum: f64 = 0;

// Inlined with many parameters, because a call would pass the vectors through memory.
// @ts-ignore: decorator
@inline function sum4(
  row: usize, magic: v128, one: v128, top: v128, scale: v128, maxHigh: v128, maxLow: v128, cHigh: v128, cLow: v128,
  cutoff: v128, c1: v128, c2: v128, c3: v128, c4: v128, c5: v128,
): v128 {
  const l0 = v128.load(row), l1 = v128.load(row, 16), l2 = v128.load(row, 32), l3 = v128.load(row, 48);
  return f32x4.add(
    f32x4.add(
      term(l0, f32x4.sub(l0, top), magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5),
      term(l1, f32x4.sub(l1, top), magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5)),
    f32x4.add(
      term(l2, f32x4.sub(l2, top), magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5),
      term(l3, f32x4.sub(l3, top), magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5)));
}

/** Returns the sum of exp((l - max) / T), and writes the sum of each block to `sums`. `max` is the row's maximum, T > 0. */
export function sumExp(row: usize, blocks: i32, max: f32, temperature: f64, sums: usize): f64 {
  if (!plan(max, temperature)) return sumExpExact(row, blocks, max, temperature, sums);
  const magic = planned(0), one = planned(1), top = planned(2), scale = planned(3), maxHigh = planned(4), maxLow = planned(5);
  const cHigh = planned(6), cLow = planned(7), cutoff = planned(8);
  const c1 = planned(9), c2 = planned(10), c3 = planned(11), c4 = planned(12), c5 = planned(13);
  let total: f64 = 0;
  for (const end = sums + (<usize>blocks << 3); sums < end; sums += 8) {
    let lower = f64x2.splat(0), upper = f64x2.splat(0);
    const stop = row + BLOCK_BYTES;
    do {
      const sum = f32x4.add(
        sum4(row, magic, one, top, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5),
        sum4(row + 64, magic, one, top, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5));
      lower = f64x2.add(lower, f64x2.promote_low_f32x4(sum));
      upper = f64x2.add(upper, f64x2.promote_low_f32x4(upperHalf(sum)));
      row += 128;
    } while (row < stop);
    const sum = sumF64(f64x2.add(lower, upper));
    store<f64>(sums, sum);
    total += sum;
  }
  return total;
}

/** sumExp, with the same bits. Also sets `weightedSum`. */
export function sumExpWeighted(row: usize, blocks: i32, max: f32, temperature: f64, sums: usize): f64 {
  if (!plan(max, temperature)) return sumExpExact(row, blocks, max, temperature, sums);
  const magic = planned(0), one = planned(1), top = planned(2), scale = planned(3), maxHigh = planned(4), maxLow = planned(5);
  const cHigh = planned(6), cLow = planned(7), cutoff = planned(8);
  const c1 = planned(9), c2 = planned(10), c3 = planned(11), c4 = planned(12), c5 = planned(13);
  // Logits below the cutoff are raised to just below it. Their term stays 0, and d becomes finite, because 0 times -Infinity is NaN.
  const floor = planned(14);
  let total: f64 = 0;
  let weighted = f64x2.splat(0);
  for (const end = sums + (<usize>blocks << 3); sums < end; sums += 8) {
    let lower = f64x2.splat(0), upper = f64x2.splat(0);
    const stop = row + BLOCK_BYTES;
    do {
      const l0 = f32x4.pmax(v128.load(row, 0), floor), d0 = f32x4.sub(l0, top);
      const e0 = term(l0, d0, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const l1 = f32x4.pmax(v128.load(row, 16), floor), d1 = f32x4.sub(l1, top);
      const e1 = term(l1, d1, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const e01 = f32x4.add(e0, e1), w01 = f32x4.add(f32x4.mul(e0, d0), f32x4.mul(e1, d1));
      const l2 = f32x4.pmax(v128.load(row, 32), floor), d2 = f32x4.sub(l2, top);
      const e2 = term(l2, d2, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const l3 = f32x4.pmax(v128.load(row, 48), floor), d3 = f32x4.sub(l3, top);
      const e3 = term(l3, d3, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const e23 = f32x4.add(e2, e3), w23 = f32x4.add(f32x4.mul(e2, d2), f32x4.mul(e3, d3));
      const e0123 = f32x4.add(e01, e23), w0123 = f32x4.add(w01, w23);
      const l4 = f32x4.pmax(v128.load(row, 64), floor), d4 = f32x4.sub(l4, top);
      const e4 = term(l4, d4, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const l5 = f32x4.pmax(v128.load(row, 80), floor), d5 = f32x4.sub(l5, top);
      const e5 = term(l5, d5, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const e45 = f32x4.add(e4, e5), w45 = f32x4.add(f32x4.mul(e4, d4), f32x4.mul(e5, d5));
      const l6 = f32x4.pmax(v128.load(row, 96), floor), d6 = f32x4.sub(l6, top);
      const e6 = term(l6, d6, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const l7 = f32x4.pmax(v128.load(row, 112), floor), d7 = f32x4.sub(l7, top);
      const e7 = term(l7, d7, magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const e67 = f32x4.add(e6, e7), w67 = f32x4.add(f32x4.mul(e6, d6), f32x4.mul(e7, d7));
      const sum = f32x4.add(e0123, f32x4.add(e45, e67)), product = f32x4.add(w0123, f32x4.add(w45, w67));
      lower = f64x2.add(lower, f64x2.promote_low_f32x4(sum));
      upper = f64x2.add(upper, f64x2.promote_low_f32x4(upperHalf(sum)));
      weighted = f64x2.add(weighted, f64x2.add(f64x2.promote_low_f32x4(product), f64x2.promote_low_f32x4(upperHalf(product))));
      row += 128;
    } while (row < stop);
    const sum = sumF64(f64x2.add(lower, upper));
    store<f64>(sums, sum);
    total += sum;
  }
  weightedSum = sumF64(weighted) / temperature;
  return total;
}

function sumExpExact(row: usize, blocks: i32, max: f32, temperature: f64, sums: usize): f64 {
  const cutoff = f32x4.splat(exactCutoff(max, temperature));
  let total: f64 = 0;
  let weighted: f64 = 0;
  for (const end = sums + (<usize>blocks << 3); sums < end; sums += 8) {
    let sum: f64 = 0;
    for (const stop = row + BLOCK_BYTES; row < stop; row += 16) {
      if (!v128.any_true(f32x4.ge(v128.load(row), cutoff))) continue;
      for (let lane: usize = 0; lane < 16; lane += 4) {
        const l = load<f32>(row + lane);
        const e = exactTerm(l, max, temperature);
        sum += e;
        if (e > 0) weighted += e * ((<f64>l - <f64>max) / temperature);
      }
    }
    store<f64>(sums, sum);
    total += sum;
  }
  weightedSum = weighted;
  return total;
}

/** Sum of the terms of the entries below `threshold` in every `stride`-th block. */
export function sumBelow(row: usize, blocks: i32, stride: i32, max: f32, temperature: f64, threshold: f32): f64 {
  if (!plan(max, temperature)) return sumBelowExact(row, blocks, stride, max, temperature, threshold);
  const magic = planned(0), one = planned(1), top = planned(2), scale = planned(3), maxHigh = planned(4), maxLow = planned(5);
  const cHigh = planned(6), cLow = planned(7), cutoff = planned(8);
  const c1 = planned(9), c2 = planned(10), c3 = planned(11), c4 = planned(12), c5 = planned(13);
  const bound = f32x4.splat(threshold);
  let lower = f64x2.splat(0), upper = f64x2.splat(0);
  for (let block = 0; block < blocks; block += stride) {
    let at = row + <usize>block * BLOCK_BYTES;
    const stop = at + BLOCK_BYTES;
    do {
      const l0 = v128.load(at), l1 = v128.load(at, 16);
      const e0 = term(l0, f32x4.sub(l0, top), magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const e1 = term(l1, f32x4.sub(l1, top), magic, one, scale, maxHigh, maxLow, cHigh, cLow, cutoff, c1, c2, c3, c4, c5);
      const sum = f32x4.add(v128.and(e0, f32x4.lt(l0, bound)), v128.and(e1, f32x4.lt(l1, bound)));
      lower = f64x2.add(lower, f64x2.promote_low_f32x4(sum));
      upper = f64x2.add(upper, f64x2.promote_low_f32x4(upperHalf(sum)));
      at += 32;
    } while (at < stop);
  }
  return sumF64(f64x2.add(lower, upper));
}

function sumBelowExact(row: usize, blocks: i32, stride: i32, max: f32, temperature: f64, threshold: f32): f64 {
  let sum: f64 = 0;
  for (let block = 0; block < blocks; block += stride) {
    let at = row + <usize>block * BLOCK_BYTES;
    for (const stop = at + BLOCK_BYTES; at < stop; at += 4) {
      const l = load<f32>(at);
      if (l < threshold) sum += exactTerm(l, max, temperature);
    }
  }
  return sum;
}
