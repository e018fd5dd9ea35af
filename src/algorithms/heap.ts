import { PART, type Pausing } from './pausing.ts'

/** Places in an array of keys, of which the one with the largest key comes first. */
export interface Heap {
  /** The first place; nothing when there is none. */
  peek(): number | undefined
  /** Drop the first place. */
  pop(): void
  /** How many there are. */
  size(): number
}

/** A binary heap of places, without some of them: linear in their number to make, logarithmic to pop. */
export function* heapOf(keys: Float64Array, isLeftOut: (place: number) => boolean): Pausing<Heap> {
  const all = new Uint32Array(keys.length)
  let size = 0
  for (let place = 0; place < keys.length; place++) if (!isLeftOut(place)) all[size++] = place
  const places = all.subarray(0, size)

  function sink(at: number): void {
    const place = places[at]!
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      const isRightLarger = child + 1 < size && keys[places[child + 1]!]! > keys[places[child]!]!
      if (isRightLarger) child++
      if (keys[places[child]!]! <= keys[place]!) break
      places[at] = places[child]!
      at = child
    }
    places[at] = place
  }

  for (let at = (size >> 1) - 1; at >= 0; at--) {
    sink(at)
    if (at % PART === 1) yield
  }
  return {
    peek: () => (size > 0 ? places[0] : undefined),
    size: () => size,
    pop() {
      if (size === 0) return
      places[0] = places[--size]!
      if (size > 0) sink(0)
    },
  }
}
