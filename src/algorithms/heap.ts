import { PART, type Pausing } from './pausing.ts'

/** A heap of places in an array of keys. The first place has the largest key. */
export interface Heap {
  /** The first place; undefined if the heap is empty. */
  peek(): number | undefined
  /** Removes the first place. */
  pop(): void
  /** The number of places. */
  size(): number
}

/** Makes a binary heap of all places except those left out. Making it takes linear time, and popping logarithmic time. */
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
