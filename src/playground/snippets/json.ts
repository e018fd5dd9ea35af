/** JSON with a field a line, so that what was set can be seen beside the long rows. */
export function lines(fields: Readonly<Record<string, unknown>>, indent: string): string[] {
  return Object.entries(fields).map(
    ([name, value]) => `${indent}${JSON.stringify(name)}: ${spaced(value)}`,
  )
}

/** A value on one line, with space where people put it. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${spaced(one)}`)
  return `{${inner.join(', ')}}`
}

export function object(entries: readonly string[]): string {
  return `{\n${entries.join(',\n')}\n}`
}
