import leven from 'leven'
import { type Alias, aliases, elsewhere, valueAliases } from './aliases.ts'

/** Suggestions for unknown names. */

/** Names are compared only by their letters and digits, without case. */
const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

const aliasOf: ReadonlyMap<string, Alias> = new Map(
  aliases.flatMap((alias) => alias.names.map((name) => [plain(name), alias] as const)),
)

const usualValue: ReadonlyMap<string, string> = new Map(
  Object.entries(valueAliases).flatMap(([value, names]) =>
    names.map((name) => [plain(name), value] as const),
  ),
)

/** Longer names get no suggestion. No field has a name of this length. */
const LONGEST = 64

/** The shortest text that counts as the start or end of a name; shorter ones match too many names. */
const SHORTEST_PART = 4

/** If more names fit, none is suggested. */
const MOST_GUESSES = 3

/** The largest number of edits between a name of this length and a suggestion. */
function tolerance(length: number): number {
  if (length < 4) return 0
  return length < 8 ? 1 : length < 12 ? 2 : 3
}

/** The known names that differ from this one by a typing error or, if there are none, that begin or end with it. */
export function nearest(name: string, known: readonly string[]): string[] {
  if (name.length > LONGEST) return []
  const key = plain(name)
  const names = known.map((name) => ({ name, key: plain(name) }))
  const same = names.filter((other) => other.key === key)
  if (same.length > 0) return same.map(({ name }) => name)
  const distances = names
    .map((other) => ({ ...other, distance: leven(key, other.key) }))
    .filter(({ key: other, distance }) => distance <= tolerance(Math.max(key.length, other.length)))
  const least = Math.min(...distances.map(({ distance }) => distance))
  const near = distances.filter(({ distance }) => distance === least)
  const found = near.length > 0 ? near : names.filter((other) => isPart(key, other.key))
  return found.length > MOST_GUESSES ? [] : found.map(({ name }) => name)
}

/** Whether one name begins or ends with the other. */
function isPart(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short.length >= SHORTEST_PART && (long.startsWith(short) || long.endsWith(short))
}

const ask = (names: readonly string[]) =>
  names.length === 0 ? '' : `; did you mean ${names.map((name) => `"${name}"`).join(' or ')}?`

/** The end of an error about an unknown field: a suggestion, or ''. */
export function suggestField(name: string, known: readonly string[]): string {
  if (known.length === 0 || name.length > LONGEST) return ''
  const key = plain(name)
  const same = known.filter((other) => plain(other) === key)
  if (same.length > 0) return ask(same)
  const place = elsewhere.get(key)
  if (place) return `; ${place}`
  const alias = aliasOf.get(key)
  if (!alias) return ask(nearest(name, known))
  const { use, says = '' } = alias
  const unquoted = says.replaceAll('`', '')
  if (use === undefined) return `; ${unquoted}`
  if (!known.includes(use)) return ''
  return says === '' ? ask([use]) : `${ask([use])} ${unquoted}`
}

/** The same for an unknown member of an object. */
export function suggestMember(name: string, known: readonly string[]): string {
  return ask(nearest(name, known))
}

/** The same for an unknown value of an enum. */
export function suggestValue(value: string, known: readonly string[]): string {
  const key = plain(value)
  const use = usualValue.get(key) ?? aliasOf.get(key)?.use
  return ask(use !== undefined && known.includes(use) ? [use] : nearest(value, known))
}
