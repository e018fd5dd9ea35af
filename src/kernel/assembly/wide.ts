/** The upper half of a 128-bit product. */
// @ts-ignore: decorator
@inline export function multiplyHigh(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff, aHigh = a >> 32;
  const bLow = b & 0xffffffff, bHigh = b >> 32;
  const middle = aHigh * bLow + ((aLow * bLow) >> 32);
  return aHigh * bHigh + (middle >> 32) + (((middle & 0xffffffff) + aLow * bHigh) >> 32);
}

/** The upper half of a 128-bit product, or up to 2 less. */
// @ts-ignore: decorator
@inline export function multiplyHighNearly(a: u64, b: u64): u64 {
  const aLow = a & 0xffffffff, aHigh = a >> 32;
  const bLow = b & 0xffffffff, bHigh = b >> 32;
  return aHigh * bHigh + ((aHigh * bLow) >> 32) + ((aLow * bHigh) >> 32);
}
