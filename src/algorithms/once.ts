import type { Pausing } from './pausing.ts'

/** Caches the result of `make` for as long as its argument lives, because rows share the lists of their request. */
export function oncePer<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new WeakMap<Key, Value>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

/** `oncePer` for values that are made by work in parts. */
export function oncePerWork<Key extends object, Value>(
  make: (key: Key) => Pausing<Value>,
): (key: Key) => Pausing<Value> {
  const made = new WeakMap<Key, Value>()
  return function* (key) {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = yield* make(key)
    made.set(key, value)
    return value
  }
}

/** The ids of a list as a set. */
export const distinct = oncePer((ids: readonly number[] | Uint32Array) => new Set(ids))
