import { brief } from './numbers.ts'
import type { Fields, Sampler, Schema, Schemas, Vocabulary } from './types.ts'
import { idOf } from './vocabulary.ts'

/** Derives the control of a field from its schema. */

export type Control =
  | { kind: 'number'; low: number; high: number; step: number }
  | { kind: 'switch' }
  | { kind: 'choice'; options: readonly (string | number)[] }
  | { kind: 'tokens' }
  | { kind: 'text' }
  | { kind: 'group'; schemas: Schemas }
  | { kind: 'json' }

/** The slider spans the default and the usual values. Other values can be typed. */
function numberControl(schema: Schema): Control {
  const { type, default: fallback, minimum, maximum } = schema
  const [usualLow, usualHigh] = schema['x-typical'] ?? [minimum ?? 0, Math.min(maximum ?? 1, 100)]
  const anchor = typeof fallback === 'number' ? fallback : usualLow
  const low = Math.min(anchor, usualLow)
  const high = Math.max(anchor, usualHigh)
  const fine = 10 ** Math.floor(Math.log10((high - low || 1) / 50))
  return { kind: 'number', low, high, step: type === 'integer' ? 1 : fine }
}

export function controlOf(schema: Schema): Control {
  const { enum: options, properties = {}, 'x-form': form } = schema
  if (options) return { kind: 'choice', options }
  switch (form) {
    case 'boolean':
      return { kind: 'switch' }
    case 'number':
      return numberControl(schema)
    case 'text':
    case 'bytes':
      return { kind: 'text' }
    case 'number[]':
      return { kind: 'tokens' }
    case 'object':
      return { kind: 'group', schemas: properties }
    default:
      return { kind: 'json' }
  }
}

function isDefault(schema: Schema, value: unknown): boolean {
  if (value === undefined) return true
  return JSON.stringify(value) === JSON.stringify(schema.default)
}

/** Fields with one set, or removed if the value is its default. */
export function withField(fields: Fields, name: string, schema: Schema, value: unknown): Fields {
  const { [name]: _, ...others } = fields
  return isDefault(schema, value) ? others : { ...others, [name]: value }
}

/** The fields of a sampler that a request sets, with their values. */
export function setFields({ fields: schemas }: Sampler, fields: Fields): [string, unknown][] {
  return Object.keys(schemas).flatMap((name): [string, unknown][] =>
    fields[name] === undefined ? [] : [[name, fields[name]]],
  )
}

/** A value to begin with: for numbers, the middle of the usual range. */
function usualValue(schema: Schema): unknown {
  const { kind } = controlOf(schema)
  if (kind === 'switch') return !schema.default
  if (kind === 'group') {
    const inner = Object.entries(schema.properties ?? {})
    return Object.fromEntries(inner.map(([name, one]) => [name, usualValue(one)]))
  }
  const usual = schema['x-typical']
  if (!usual) return undefined
  const [low, high] = usual
  const between = (share: number) => {
    const value = Number((low + (high - low) * share).toPrecision(2))
    return schema.type === 'integer' ? Math.round(value) : value
  }
  const middle = between(0.5)
  return middle === schema.default ? between(0.75) : middle
}

/** The fields that switch a sampler on by a click: a usual value for its first field that has one. */
export function usualFields({ fields: schemas }: Sampler): Fields {
  for (const [name, schema] of Object.entries(schemas)) {
    const value = usualValue(schema)
    if (value !== undefined && !isDefault(schema, value)) return { [name]: value }
  }
  return {}
}

/** Text that its field cannot take. The message says why. */
export class Unreadable extends Error {}

/** The value of the text in a field's control; undefined if it is empty. */
export function readText(schema: Schema, text: string, vocabulary: Vocabulary): unknown {
  const written = text.trim()
  if (written === '') return undefined
  switch (controlOf(schema).kind) {
    case 'number': {
      const value = Number(written.replace('−', '-').replace(',', '.'))
      if (!Number.isFinite(value)) throw new Unreadable(`Expected a number, got “${written}”`)
      return value
    }
    case 'tokens':
      return readTokens(written, vocabulary)
    case 'text':
      return written
    default:
      return readJson(written)
  }
}

function readJson(written: string): unknown {
  try {
    return JSON.parse(written)
  } catch (error) {
    throw new Unreadable(`Expected JSON: ${(error as Error).message}`)
  }
}

/** Reads token ids and quoted words, separated by commas or spaces. */
function readTokens(written: string, vocabulary: Vocabulary): number[] {
  const inside = /^\[(.*)\]$/s.exec(written)?.[1] ?? written
  const items = inside.match(/"(?:[^"\\]|\\.)*"|[^\s,]+/g) ?? []
  return items.map((item) => {
    const id = item.startsWith('"') ? idOf(readJson(item) as string, vocabulary) : Number(item)
    if (id === undefined) throw new Unreadable(`The vocabulary has no token ${item}`)
    if (!Number.isInteger(id) || id < 0) {
      throw new Unreadable(`Expected token ids or words in quotes, got “${item}”`)
    }
    return id
  })
}

/** The text of a value in its control. */
export function writeText(value: unknown): string {
  if (value === undefined) return ''
  if (Array.isArray(value) && value.every((item) => typeof item === 'number')) {
    return value.join(', ')
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** A value in a few characters, for the line of its sampler. */
export function summary(value: unknown): string {
  if (typeof value === 'number') return brief(value, 4)
  const text = writeText(value)
  return text.length > 24 ? `${text.slice(0, 23)}…` : text
}
