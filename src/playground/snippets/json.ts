/** JSON with one field on each line, so that settings stand out beside long rows. */
export function lines(fields: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(fields).map(
    ([name, value]) => `${indent}${JSON.stringify(name)}: ${spaced(value)}`,
  )
}

/** A value as JSON on one line, with a space after commas and colons. */
export function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${spaced(one)}`)
  return `{${inner.join(', ')}}`
}

export function object(entries: readonly string[]): string {
  return `{\n${entries.join(',\n')}\n}`
}
