import { exp, LN2_HIGH, LN2_LOW, LOG2E, MAGIC, Q0, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q8 } from './scalar';

// V8 rebuilds a v128 constant at every use, so these are loaded before the loop (see maskedLanes).
const TABLE: usize = memory.data<f64>([
  MAGIC, MAGIC, LOG2E, LOG2E, LN2_HIGH, LN2_HIGH, LN2_LOW, LN2_LOW, 1, 1, 0.5, 0.5,
  Q0, Q0, Q1, Q1, Q2, Q2, Q3, Q3, Q4, Q4, Q5, Q5, Q6, Q6, Q7, Q7, Q8, Q8, -708, -708,
], 16);

// @ts-ignore: decorator
@inline function slot(index: usize): v128 {
  return v128.load(TABLE + (index << 4));
}

/** Writes out[i] = exp((values[i] - max) / T), with the bits of the scalar exp. Returns their sum, added in order. values[i] <= max, T > 0. */
export function expInto64(values: usize, n: i32, max: f64, temperature: f64, out: usize): f64 {
  const top = f64x2.splat(max), divisor = f64x2.splat(temperature);
  const magic = slot(0), log2e = slot(1), ln2High = slot(2), ln2Low = slot(3), one = slot(4), half = slot(5);
  const q0 = slot(6), q1 = slot(7), q2 = slot(8), q3 = slot(9), q4 = slot(10), q5 = slot(11), q6 = slot(12), q7 = slot(13), q8 = slot(14);
  const smallest = slot(15);
  const end = out + (<usize>n << 3);
  let total: f64 = 0;
  for (; out + 16 <= end; values += 16, out += 16) {
    const x = f64x2.div(f64x2.sub(v128.load(values), top), divisor);
    if (i64x2.all_true(f64x2.ge(x, smallest))) {
      const shifted = f64x2.add(f64x2.mul(x, log2e), magic);
      const n = f64x2.sub(shifted, magic);
      const a = f64x2.sub(x, f64x2.mul(n, ln2High));
      const b = f64x2.mul(n, ln2Low);
      const r = f64x2.sub(a, b);
      const lost = f64x2.sub(f64x2.sub(a, r), b);
      const r2 = f64x2.mul(r, r);
      const r4 = f64x2.mul(r2, r2);
      const q03 = f64x2.add(f64x2.add(q0, f64x2.mul(r, q1)), f64x2.mul(r2, f64x2.add(q2, f64x2.mul(r, q3))));
      const q47 = f64x2.add(f64x2.add(q4, f64x2.mul(r, q5)), f64x2.mul(r2, f64x2.add(q6, f64x2.mul(r, q7))));
      const q = f64x2.add(q03, f64x2.mul(r4, f64x2.add(q47, f64x2.mul(r4, q8))));
      const tail = f64x2.add(f64x2.mul(r2, half), f64x2.mul(f64x2.mul(r2, r), q));
      const head = f64x2.add(one, r);
      const p = f64x2.add(head, f64x2.add(f64x2.sub(r, f64x2.sub(head, one)), f64x2.add(lost, tail)));
      const e = i64x2.add(p, i64x2.shl(shifted, 52));
      v128.store(out, e);
      total += f64x2.extract_lane(e, 0);
      total += f64x2.extract_lane(e, 1);
    } else {
      const e0 = exp(f64x2.extract_lane(x, 0)), e1 = exp(f64x2.extract_lane(x, 1));
      store<f64>(out, e0);
      store<f64>(out, e1, 8);
      total += e0;
      total += e1;
    }
  }
  if (out < end) {
    const e = exp((load<f64>(values) - max) / temperature);
    store<f64>(out, e);
    total += e;
  }
  return total;
}
