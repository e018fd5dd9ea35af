import type { Pausing } from './pausing.ts'

/** Makes something of an object once, and keeps it as long as the object: rows share the lists of their request. */
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

/** The same of what takes long to make. */
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

/** The ids of a list, each once. */
export const distinct = oncePer((ids: readonly number[] | Uint32Array) => new Set(ids))
