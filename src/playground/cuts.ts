import type { Result } from './types.ts'

/** Where samplers cut a list of tokens: the samplers by the token after which they removed all that were left. */
export function cutsIn(
  { trace = [] }: Result,
  ids: readonly number[],
): ReadonlyMap<number, readonly string[]> {
  const cuts = new Map<number, string[]>()
  let left = [...ids]
  for (const { sampler, dropped_token_ids } of trace) {
    const dropped = new Set(dropped_token_ids)
    const last = left.findLast((id) => !dropped.has(id))
    if (last !== undefined && last !== left.at(-1)) {
      cuts.set(last, [...(cuts.get(last) ?? []), sampler])
    }
    left = left.filter((id) => !dropped.has(id))
  }
  return cuts
}
