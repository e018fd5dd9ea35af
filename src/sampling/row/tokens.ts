import { oncePer, oncePerWork } from '../../algorithms/once.ts'
import { LARGE, type Pausing } from '../../algorithms/pausing.ts'
import { sortIds } from '../../algorithms/sort.ts'
import type { RowMemory } from '../../kernel/memory.ts'

/** Tokens and their logits, side by side. */
export interface Tokens {
  readonly ids: Uint32Array
  readonly logits: Float64Array
}

/** Inserts tokens into the first `size` entries of the arrays. Ids ascend in both. Returns the new size. */
export function mergeTokens(
  { ids, logits }: Pick<RowMemory['views'], 'ids' | 'logits'>,
  size: number,
  tokens: Tokens,
): number {
  // Begin at the back, so that each entry moves only once.
  let from = size - 1
  const merged = size + tokens.ids.length
  for (let to = merged - 1, next = tokens.ids.length - 1; next >= 0; to--) {
    const id = tokens.ids[next]!
    const isMoved = from >= 0 && ids[from]! > id
    ids[to] = isMoved ? ids[from]! : id
    logits[to] = isMoved ? logits[from]! : tokens.logits[next]!
    if (isMoved) from--
    else next--
  }
  return merged
}

/** In ascending ids, the index of the first one that is at least `id`; their number if none is. */
export function firstFrom(ids: Uint32Array, id: number, size = ids.length): number {
  let low = 0
  let high = size
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ids[middle]! < id) low = middle + 1
    else high = middle
  }
  return low
}

/** The distinct ids of a list, ascending. Lists of more than `LARGE` ids take several parts. */
export function* ascending(ids: Uint32Array): Pausing<Uint32Array> {
  return ids.length > LARGE ? yield* marked(ids) : sorted(ids)
}

/** The same at once, for a list of at most `LARGE` ids. */
export const sorted = oncePer((ids: Uint32Array) => {
  const all = isAscending(ids) ? ids.slice() : sortIds(ids.slice())
  let count = 0
  for (let i = 0; i < all.length; i++) {
    if (i === 0 || all[i] !== all[count - 1]) all[count++] = all[i]!
  }
  return all.subarray(0, count)
})

function isAscending(ids: Uint32Array): boolean {
  for (let i = 1; i < ids.length; i++) if (ids[i]! < ids[i - 1]!) return false
  return true
}

/** Finds the distinct ids by a mark for each possible id, in parts. */
const marked = oncePerWork(function* (ids: Uint32Array): Pausing<Uint32Array> {
  let largest = 0
  for (let i = 0; i < ids.length; i++) {
    if (i % LARGE === LARGE - 1) yield
    if (ids[i]! > largest) largest = ids[i]!
  }
  const isListed = new Uint8Array(largest + 1)
  for (let i = 0; i < ids.length; i++) {
    if (i % LARGE === LARGE - 1) yield
    isListed[ids[i]!] = 1
  }
  const distinct = new Uint32Array(Math.min(ids.length, isListed.length))
  let count = 0
  for (let id = 0; id < isListed.length; id++) {
    if (id % LARGE === LARGE - 1) yield
    if (isListed[id] === 1) distinct[count++] = id
  }
  return distinct.subarray(0, count)
})
