// Float32 bit patterns as integers in the order of their values: negative ones run backwards (IEEE 754's totalOrder).

// @ts-ignore: decorator
@inline export function keyOf(x: f32): i32 {
  const bits = reinterpret<i32>(x);
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

// @ts-ignore: decorator
@inline export function valueOf(key: i32): f32 {
  return reinterpret<f32>(key ^ ((key >> 31) & 0x7fffffff));
}
