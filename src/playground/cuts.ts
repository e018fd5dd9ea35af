import type { Result } from './types.ts'

/** Where samplers cut a list of tokens: the names of the samplers by the token after which they cut. */
export function cutsIn(
  { trace = [] }: Result,
  ids: readonly number[],
): ReadonlyMap<number, readonly string[]> {
  const cuts = new Map<number, string[]>()
  let left = [...ids]
  for (const { sampler, dropped_token_ids } of trace) {
    const dropped = new Set(dropped_token_ids)
    const kept = left.filter((id) => !dropped.has(id))
    const last = kept.at(-1)
    // A sampler that also removes tokens further up does not cut the list.
    const isCut = left.slice(0, kept.length).every((id) => !dropped.has(id))
    if (dropped.size > 0 && kept.length < left.length && isCut && last !== undefined) {
      cuts.set(last, [...(cuts.get(last) ?? []), sampler])
    }
    left = kept
  }
  return cuts
}
