// Parses runs of numbers in JSON arrays to float64.
import { assemble, powerOfFive, scale, UNDECIDED } from './decimal';
import { multiplyHighNearly } from './wide';

// @ts-ignore: decorator
@inline const COMMA: u32 = 0x2c;
// @ts-ignore: decorator
@inline const MINUS: u32 = 0x2d;
// @ts-ignore: decorator
@inline const POINT: u32 = 0x2e;
// @ts-ignore: decorator
@inline const QUOTE: u32 = 0x22;
// @ts-ignore: decorator
@inline const SPACE: u32 = 0x20;

export const STOP_NEEDS_MORE: i32 = 0;
export const STOP_FULL: i32 = 1;
export const STOP_OTHER: i32 = 2;
export const STOP_MALFORMED: i32 = 3;
export const STOP_HARD: i32 = 4;

export let stopReason: i32 = 0;
export let parsedTo: usize = 0;
export let tokenEnd: usize = 0;
export let expectsElement: bool = false;
export let pendingComma: usize = 0;

/** The result of parseElement if it read an element. */
// @ts-ignore: decorator
@inline const PARSED: i32 = -1;

/**
 * Reads elements and the commas between them, from `at` to `end`, and writes float64 to `out`. Returns their number; all other
 * results are in globals. It takes time in proportion to the bytes. An incomplete token at the end is read again by the next call.
 */
export function parseNumbers(at: usize, end: usize, out: usize, capacity: i32, beforeElement: bool): i32 {
  const start = out, limit = out + (<usize>capacity << 3);
  let comma: usize = 0;
  let reason = PARSED;
  while (out < limit) {
    at = skipSpace(at, end);
    if (beforeElement) {
      // parsePlain leaves the last element to parseElement, which stops before the comma.
      const before = out;
      out = parsePlain(at, end, out, limit);
      if (out > before) {
        at = plainEnd;
        comma = at - 1;
        while (load<u8>(comma) != COMMA) comma--;
        at = skipSpace(at, end);
      }
      reason = parseElement(at, end);
      if (reason != PARSED) break;
      store<f64>(out, element);
      out += 8;
      at = tokenEnd;
      beforeElement = false;
    } else {
      reason = at == end ? STOP_NEEDS_MORE : STOP_OTHER;
      if (at == end || load<u8>(at) != COMMA) break;
      comma = at++;
      beforeElement = true;
    }
  }
  stopReason = out < limit ? reason : STOP_FULL;
  parsedTo = at;
  expectsElement = beforeElement;
  pendingComma = beforeElement ? comma : 0;
  return <i32>((out - start) >> 3);
}

// @ts-ignore: decorator
@inline function isSpace(byte: u32): bool {
  return byte == SPACE || byte == 0x0a || byte == 0x0d || byte == 0x09;
}

// @ts-ignore: decorator
@inline function skipSpace(at: usize, end: usize): usize {
  while (at < end && isSpace(load<u8>(at))) at++;
  return at;
}

// @ts-ignore: decorator
@inline function isDigit(byte: u32): bool {
  return byte - 0x30 < 10;
}

// V8 rebuilds a v128 constant at every use, so these are loaded before the loop (see maskedLanes).
// The first two rows find digits: plus 0x50, '0' to '9' become the ten lowest signed bytes.
const PLAIN: usize = memory.data<u8>([
  0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50, 0x50,
  0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89, 0x89,
  0x01, 0x0a, 0x01, 0x0a, 0x01, 0x0a, 0x01, 0x0a, 0x01, 0x0a, 0x01, 0x0a, 0x01, 0x0a, 0x01, 0x0a,
  100, 0, 1, 0, 100, 0, 1, 0, 100, 0, 1, 0, 100, 0, 1, 0,
  0x10, 0x27, 1, 0, 0x10, 0x27, 1, 0, 0x10, 0x27, 1, 0, 0x10, 0x27, 1, 0,
], 16);

// The 16 bytes from byte k on are a mask of the last k of 16 digits.
const LAST_DIGITS: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
], 16);

const TENS: usize = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
  10000000000000, 100000000000000, 1000000000000000, 10000000000000000,
], 16);

/** The number of eight digits, the first in the lowest byte. Bytes of 0 count as the digit 0. */
// @ts-ignore: decorator
@inline function eightDigits(bytes: u64): u64 {
  bytes = ((bytes & 0x0f0f0f0f0f0f0f0f) * 2561) >> 8; // 10 * 2^8 + 1
  bytes = ((bytes & 0x00ff00ff00ff00ff) * 6553601) >> 16; // 100 * 2^16 + 1
  return ((bytes & 0x0000ffff0000ffff) * 42949672960001) >> 32; // 10000 * 2^32 + 1
}

// @ts-ignore: decorator
@inline function firstDigits(bytes: u64, count: u32): f64 {
  return <f64><i64>eightDigits(bytes << (64 - (count << 3)));
}

/** Whether the whole part is valid: 1 to 8 digits, and only one if the first is 0. */
// @ts-ignore: decorator
@inline function isWhole(digits: u32, zero: u32): bool {
  return digits - 1 + (zero << 3) - zero <= 7;
}

/** Whether all eight bytes are digits: their upper four bits are 3, also after 6 is added. */
// @ts-ignore: decorator
@inline function areDigits(bytes: u64): bool {
  return (bytes & (bytes + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) == 0x3030303030303030;
}

// @ts-ignore: decorator
@inline function fourDigits(bytes: u32): u32 {
  bytes = ((bytes & 0x0f0f0f0f) * 2561) >> 8;
  return ((bytes & 0x00ff00ff) * 6553601) >> 16;
}

// @ts-ignore: decorator
@inline function withSign(size: f64, negative: u32): f64 {
  return reinterpret<f64>(reinterpret<u64>(size) | (<u64>negative << 63));
}

/** The number of bytes of white space at `at`, up to 16. */
// @ts-ignore: decorator
@inline function leadingSpaces(at: usize): u32 {
  const bytes = v128.load(at);
  const spaces = v128.or(
    v128.or(i8x16.eq(bytes, i8x16.splat(0x20)), i8x16.eq(bytes, i8x16.splat(0x0a))),
    v128.or(i8x16.eq(bytes, i8x16.splat(0x0d)), i8x16.eq(bytes, i8x16.splat(0x09))),
  );
  return ctz(~<u32>i8x16.bitmask(spaces));
}

/** The bytes that parsePlain may read: two vectors, and a comma after them. */
// @ts-ignore: decorator
@inline const REACH: usize = 33;

/** Room for the largest number of elements that can begin in these bytes, and for the one that parseElement reads. */
// @ts-ignore: decorator
@inline const ROOM: usize = 18 << 3;

let plainEnd: usize = 0;

/**
 * Reads plain elements from `at` on, each with the comma after it. Writes float64 to `out`. Returns the end of the output, and
 * sets `plainEnd` to the end of the input. Most elements are plain: only white space before, a comma directly after, and no
 * exponent. They have up to 8 digits; or up to 4, a point, and 17 digits in all; or "0." and up to 19 digits; or are
 * "-Infinity". All others are left to parseElement.
 *
 * No branch depends on the sign or the number of digits, because a processor cannot predict them.
 */
function parsePlain(at: usize, end: usize, out: usize, limit: usize): usize {
  const moved = v128.load(PLAIN), nine = v128.load(PLAIN, 16);
  const ten = v128.load(PLAIN, 32), hundred = v128.load(PLAIN, 48), tenThousand = v128.load(PLAIN, 64);
  const last = end - REACH;
  const full = limit - ROOM;
  while (at <= last && out <= full) {
    const first = <u32>load<u8>(at);
    if (first <= QUOTE) {
      const spaces = first == SPACE && <u32>load<u8>(at, 1) > SPACE ? 1 : leadingSpaces(at);
      at += spaces;
      if (spaces != 0) continue;
      if (load<u64>(at) != MINUS_INFINITY || load<u32>(at, 8) != MINUS_INFINITY_COMMA) break;
      store<f64>(out, -Infinity);
      out += 8;
      at += 12;
      continue;
    }
    const others = <u32>i8x16.bitmask(i8x16.gt_s(i8x16.add(v128.load(at), moved), nine))
      | (<u32>i8x16.bitmask(i8x16.gt_s(i8x16.add(v128.load(at, 16), moved), nine)) << 16);
    const negative = u32(load<u8>(at) == MINUS);
    const marks = others ^ negative;
    const point = ctz(marks);
    const whole = point - negative;
    const bytes = load<u64>(at + negative);
    const zero = u32(<u8>bytes == 0x30);
    if (!isWhole(whole, zero)) break;
    const mark = load<u8>(at + point);
    if (mark == POINT) {
      const stop = ctz(marks & (marks - 1));
      if (load<u8>(at + stop) != COMMA) break;
      // At least one digit must follow the point. More than 16, which fill a vector, may follow only "0.".
      const behind = stop - point - 1;
      if (behind - 1 > 16 - whole + zero * 3) break;
      const over = behind > 16 ? behind - 16 : 0;
      const vector = behind - over;
      const leading = whole + over - zero;
      if (leading > 4) break;
      at += stop + 1;
      // With fewer than 16 digits the vector begins before the point, perhaps before the text. These bytes are masked.
      let d = v128.and(v128.load(at - 17), v128.load(LAST_DIGITS + vector));
      d = i16x8.shr_u(i16x8.mul(d, ten), 8);
      d = i32x4.dot_i16x8_s(d, hundred);
      d = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_u(d, d), tenThousand);
      const halves = <u64>i64x2.extract_lane(d, 0);
      const head = fourDigits(<u32>((bytes >> (zero << 4)) << (32 - (leading << 3))));
      const w = <u64>head * load<u64>(TENS + (vector << 3)) + (halves & 0xffffffff) * 100000000 + (halves >> 32);
      const shift = clz(w);
      const product = multiplyHighNearly(w << shift, powerOfFive(-<i32>behind));
      if (w == 0) {
        store<u64>(out, <u64>negative << 63);
      } else if ((product & UNDECIDED) < UNDECIDED - 3) {
        // The product is too small, by less than 4. It is never exact, because negative powers of 5 have no end, so there is no tie.
        store<f64>(out, assemble(product, 1, shift, -<i32>behind, negative));
      } else if (over == 0 && w <= 9007199254740992) {
        // Mostly a short exact number: both integers fit 53 bits, and the division rounds correctly (Clinger 1990).
        store<f64>(out, withSign(<f64><i64>w / <f64>load<i64>(TENS + (vector << 3)), negative));
      } else {
        store<f64>(out, withSign(scale(w, -<i64>behind), negative));
      }
    } else {
      if (mark != COMMA) break;
      store<f64>(out, withSign(firstDigits(bytes, whole), negative));
      // If integers are short, the loaded bytes contain several.
      let from = point + 1;
      for (let rest = marks & (marks - 1); rest != 0 && at + from <= last; rest &= rest - 1) {
        if (load<u8>(at + from) == SPACE) {
          from++;
          rest &= rest - 1;
          if (rest == 0) break;
        }
        const point = ctz(rest);
        const bytes = load<u64>(at + from);
        const whole = point - from;
        if (!isWhole(whole, u32(<u8>bytes == 0x30)) || load<u8>(at + point) != COMMA) break;
        out += 8;
        store<f64>(out, firstDigits(bytes, whole));
        from = point + 1;
      }
      at += from;
    }
    out += 8;
  }
  plainEnd = at;
  return out;
}

/** The value of the last element that parseElement read. */
let element: f64 = 0;

/** Reads one element of any form. Returns PARSED and sets `element` and `tokenEnd`, or returns why it stopped. */
function parseElement(at: usize, end: usize): i32 {
  if (at == end) return STOP_NEEDS_MORE;
  if (load<u8>(at) == QUOTE) return parseMinusInfinity(at, end);
  const negative = load<u8>(at) == MINUS;
  if (negative && ++at == end) return STOP_NEEDS_MORE;
  if (!isDigit(load<u8>(at))) return negative ? STOP_MALFORMED : STOP_OTHER;

  // w is the first 19 digits after leading zeros. Later digits change only the exponent; `truncated` is whether one of them is not 0.
  let w: u64 = 0, exponent: i64 = 0;
  let kept = 0;
  let truncated = false;
  if (load<u8>(at) == 0x30) {
    at++;
    if (at < end && isDigit(load<u8>(at))) return STOP_MALFORMED;
  }
  for (; at < end && isDigit(load<u8>(at)); at++) {
    const digit = <u64>load<u8>(at) - 0x30;
    if (kept < 19) {
      w = w * 10 + digit;
      kept++;
    } else {
      exponent++;
      truncated = truncated || digit != 0;
    }
  }
  if (at < end && load<u8>(at) == POINT) {
    if (++at == end) return STOP_NEEDS_MORE;
    if (!isDigit(load<u8>(at))) return STOP_MALFORMED;
    for (; at < end && isDigit(load<u8>(at)); at++) {
      for (; w != 0 && kept < 12 && at + 8 < end && areDigits(load<u64>(at)); at += 8) {
        w = w * 100000000 + eightDigits(load<u64>(at));
        kept += 8;
        exponent -= 8;
      }
      const digit = <u64>load<u8>(at) - 0x30;
      if (digit > 9) break;
      if (kept < 19) {
        w = w * 10 + digit;
        kept += i32(w != 0);
        exponent--;
      } else {
        truncated = truncated || digit != 0;
      }
    }
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    if (++at == end) return STOP_NEEDS_MORE;
    const minus = load<u8>(at) == MINUS;
    if (minus || load<u8>(at) == 0x2b) at++;
    if (at == end) return STOP_NEEDS_MORE;
    if (!isDigit(load<u8>(at))) return STOP_MALFORMED;
    // The cap prevents overflow, and still outweighs any number of digits that fits in memory.
    let power: i64 = 0;
    for (; at < end && isDigit(load<u8>(at)); at++) if (power < 1000000000000) power = power * 10 + load<u8>(at) - 0x30;
    exponent += minus ? -power : power;
  }
  if (at == end) return STOP_NEEDS_MORE;
  const next = <u32>load<u8>(at);
  if (next != COMMA && next != 0x5d && next != 0x7d && !isSpace(next)) return STOP_MALFORMED;
  tokenEnd = at;

  const value = scale(w, exponent);
  // If digits were truncated, the number is between w and w + 1.
  if (value != value || (truncated && value != scale(w + 1, exponent))) return STOP_HARD;
  element = negative ? -value : value;
  return PARSED;
}

// The first 8 and the last 4 of the 11 bytes of "-Infinity" in quotes.
// @ts-ignore: decorator
@inline const MINUS_INFINITY: u64 = 0x696e69666e492d22;
// @ts-ignore: decorator
@inline const MINUS_INFINITY_END: u32 = 0x22797469;
/** The 3 bytes after the first 8, and a comma. */
// @ts-ignore: decorator
@inline const MINUS_INFINITY_COMMA: u32 = 0x2c227974;

/** Reads the token `"-Infinity"`. */
function parseMinusInfinity(at: usize, end: usize): i32 {
  if (at + 11 <= end) {
    if (load<u64>(at) != MINUS_INFINITY || load<u32>(at, 7) != MINUS_INFINITY_END) return STOP_OTHER;
    element = -Infinity;
    tokenEnd = at + 11;
    return PARSED;
  }
  for (let i: u64 = 0; at < end; at++, i++) {
    const wanted = i < 8 ? MINUS_INFINITY >> (i << 3) : <u64>MINUS_INFINITY_END >> ((i - 7) << 3);
    if (load<u8>(at) != <u8>wanted) return STOP_OTHER;
  }
  return STOP_NEEDS_MORE;
}

/** Writes float64 as float32 to `out`. Returns whether this changed none of them. */
export function narrow(source: usize, count: i32, out: usize): bool {
  const end = source + (<usize>count << 3);
  let same = i64x2.splat(-1);
  for (; source + 16 <= end; source += 16, out += 8) {
    const values = v128.load(source);
    const narrowed = f32x4.demote_f64x2_zero(values);
    v128.store64_lane(out, narrowed, 0);
    same = v128.and(same, f64x2.eq(f64x2.promote_low_f32x4(narrowed), values));
  }
  if (source == end) return i64x2.all_true(same);
  store<f32>(out, <f32>load<f64>(source));
  return i64x2.all_true(same) && <f64>load<f32>(out) == load<f64>(source);
}
