// Maps float32 to integers in the order of their values (IEEE 754's totalOrder): the bits of negative numbers are inverted.

// @ts-ignore: decorator
@inline export function keyOf(x: f32): i32 {
  const bits = reinterpret<i32>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// @ts-ignore: decorator
@inline export function valueOf(key: i32): f32 {
  return reinterpret<f32>(key ^ ((key >> 31) & 0x7fffffff));
}
