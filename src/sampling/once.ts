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

/** The ids of a list, each once. */
export const distinct = oncePer((ids: readonly number[] | Uint32Array) => new Set(ids))
