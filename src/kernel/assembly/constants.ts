/** Logits per block; a row is padded with -Infinity to a multiple of it. A sum takes 3 % longer with 64, and no less with 256. */
export const BLOCK: i32 = 128;

// @ts-ignore: decorator
@inline export const BLOCK_BYTES: usize = 128 * 4;

/** The logit of a masked entry. */
// @ts-ignore: decorator
@inline export const MASKED: f32 = -Infinity;

/** The most negative finite float32: an entry is unmasked when it is at least this. */
// @ts-ignore: decorator
@inline export const LOWEST: f32 = -3.4028234663852886e38;

const MASKED_LANES: usize = memory.data<u32>([0xff800000, 0xff800000, 0xff800000, 0xff800000], 16);

/** V8 rebuilds a v128 constant at every use; one loaded from memory before the loop stays in its register. */
// @ts-ignore: decorator
@inline export function maskedLanes(): v128 {
  return v128.load(MASKED_LANES);
}

/** The first byte that the caller may use. The kernel's own tables lie below. */
export const heapBase: u32 = __heap_base as u32;
