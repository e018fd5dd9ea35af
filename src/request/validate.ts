import * as z from 'zod'
import { type Fault, Problem, type ProblemCode, toPointer } from '../errors.ts'
import { expected } from '../expected.ts'
import { findForm } from '../fields/form.ts'
import { describeValue, isList, isObject, withoutDefault, withoutNulls } from '../fields/parsed.ts'
import { suggestField, suggestMember, suggestValue } from './suggest.ts'

/** Parses a value by a schema. Throws a problem that names the faults, up to `MAX_FAULTS` of them. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: PropertyKey[] = [],
): z.output<Schema> {
  // zod would accept `NumberList` and `DecodedText`, which stand for a long list or string, as objects.
  if (schema instanceof z.ZodObject && typeof value === 'object' && !isObject(value)) {
    const [pointer, detail] = [toPointer(path), `Expected an object, got ${describeValue(value)}`]
    throw new Problem('INVALID_REQUEST', `${pointer || 'The body'}: ${detail}`, [
      { pointer, detail },
    ])
  }
  if (schema instanceof z.ZodObject && isPlain(value)) return parseGiven(schema, value, path)
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  throw toProblem(result.error.issues, path)
}

interface Known {
  fields: ReadonlyMap<string, z.ZodType>
  /** The fields that may be omitted, or null, which means the same. */
  optional: ReadonlySet<string>
  /** The defaults of optional fields. */
  defaults: Readonly<Record<string, unknown>>
  required: readonly string[]
  /** Whether unknown fields are errors; otherwise they are dropped. */
  isStrict: boolean
}

const knownOf = new WeakMap<z.ZodObject, Known>()

function describe(schema: z.ZodObject): Known {
  if (schema.def.checks?.length)
    throw new Error(
      'A schema with checks of the whole object is not supported: parseGiven would skip them',
    )
  const fields = new Map(Object.entries(schema.shape as Record<string, z.ZodType>))
  const required = [...fields].flatMap(([name, field]) =>
    field.safeParse(undefined).success ? [] : [name],
  )
  const optional = new Set([...fields.keys()].filter((name) => !required.includes(name)))
  const mask = Object.fromEntries(required.map((name) => [name, true]))
  const defaults = schema.partial(mask as never).parse({})
  const isStrict = schema.def.catchall instanceof z.ZodNever
  const known = { fields, optional, required, defaults, isStrict }
  knownOf.set(schema, known)
  return known
}

/**
 * Parses the fields that a request sends, and takes the defaults of all others. Requests send few of many fields, so
 * this is faster than zod's own objects. Each field is parsed once, also for its faults.
 */
function parseGiven<Schema extends z.ZodObject>(
  schema: Schema,
  value: object,
  path: PropertyKey[],
): z.output<Schema> {
  const { fields, optional, defaults, required, isStrict } = knownOf.get(schema) ?? describe(schema)
  const parsed: Record<string, unknown> = {}
  const issues = new Map<string, Issue[]>()
  const unknown: string[] = []
  const parse = (name: string, field: z.ZodType, given: unknown) => {
    const result = field.safeParse(given, { reportInput: true })
    if (result.success) parsed[name] = result.data
    else {
      const base = withoutDefault(field)
      const known = base instanceof z.ZodObject ? { known: Object.keys(base.shape) } : {}
      const hinted = result.error.issues.map((issue) => ({
        ...known,
        ...issue,
        hint: hintOf(field, issue, given, fields.has('rows')),
      }))
      issues.set(name, withName(hinted, name))
    }
  }
  for (const name of Object.keys(value)) {
    const field = fields.get(name)
    const given = (value as Record<string, unknown>)[name]
    if (given === null && optional.has(name)) continue
    if (field) parse(name, field, withoutNulls(field, given))
    else if (isStrict && unknown.length <= MAX_FAULTS) unknown.push(name)
  }
  for (const name of required) {
    if (!Object.hasOwn(value, name)) parse(name, fields.get(name)!, undefined)
  }
  if (unknown.length + issues.size === 0) return { ...defaults, ...parsed } as z.output<Schema>
  const names = [...fields.keys()]
  const all = names.flatMap((name) => issues.get(name) ?? [])
  if (unknown.length > 0) {
    const keys = { keys: unknown, path: [], message: '', input: value as Record<string, unknown> }
    all.push({ code: 'unrecognized_keys', ...keys })
  }
  throw toProblem(all, path, names)
}

const ROWS_HINT = '; to give each row its own value, send rows, a list of objects'

/** A fault, with a hint for its message, and the known members of an object for suggestions. */
type Issue = z.core.$ZodIssue & { hint?: string; known?: readonly string[] }

/** The shape of a field's values. */
function shapeOf(field: z.ZodType): 'value' | 'list' | 'object' | 'other' {
  const form = findForm(field)
  if (!form || form.kind === 'json') return 'other'
  if (form.isList) return 'list'
  return form.kind === 'object' ? 'object' : 'value'
}

/** The hint for a list in place of a value or an object. */
function hintOf(
  field: z.ZodType,
  { path: [index, ...deeper] }: Issue,
  given: unknown,
  hasRows: boolean,
): string {
  if (!isList(given) || deeper.length > 0) return ''
  const form = shapeOf(field)
  if (form === 'object') {
    const isForRows = Array.isArray(given) && given.every(isObject)
    if (isForRows) return hasRows ? ROWS_HINT : ''
    const base = withoutDefault(field)
    const names = base instanceof z.ZodObject ? Object.keys(base.shape) : []
    return names.length > 0 ? `; it has ${names.join(' and ')}` : ''
  }
  const isRows = index === undefined ? form === 'value' : isListAt(given, index) && form === 'list'
  return isRows && hasRows ? ROWS_HINT : ''
}

const isListAt = (given: unknown, index: PropertyKey) =>
  Array.isArray(given) && isList(given[index as number])

/** Puts a field's name in front of the paths of its issues. */
function withName(issues: readonly Issue[], name: string): Issue[] {
  return issues.map((issue) => ({ ...issue, path: [name, ...issue.path] }))
}

function isPlain(value: unknown): value is object {
  return value instanceof Object && Object.getPrototypeOf(value) === Object.prototype
}

/** The largest number of faults in an error answer: enough to correct a request, and few enough to keep the answer short. */
export const MAX_FAULTS = 10

function toProblem(
  issues: readonly Issue[],
  path: PropertyKey[],
  known: readonly string[] = [],
): Problem {
  const faults: Fault[] = []
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys' && !isObject(issue.input)) {
      const detail = `Expected an object, got ${describeValue(issue.input)}`
      faults.push({ pointer: toPointer([...path, ...issue.path]), detail })
    } else if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, MAX_FAULTS + 1)) {
        const detail =
          issue.path.length === 0
            ? unknownField(key, known)
            : `Unknown field ${describeValue(key)}${suggestMember(key, issue.known ?? [])}`
        faults.push({ pointer: toPointer([...path, ...issue.path, key]), detail })
      }
    } else {
      faults.push({
        pointer: toPointer([...path, ...issue.path]),
        detail: toDetail(issue) + (issue.hint ?? ''),
      })
    }
    if (faults.length > MAX_FAULTS) break
  }
  const [first] = faults
  return new Problem(
    codeOf(issues[0]!),
    `${first!.pointer || 'The body'}: ${first!.detail}`,
    faults,
  )
}

function codeOf(issue: z.core.$ZodIssue): ProblemCode {
  const problem = issue.code === 'custom' ? issue.params?.problem : undefined
  return problem ?? 'INVALID_REQUEST'
}

function toDetail(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined) return 'Expected a value, got none'
  if (issue.code === 'custom') return issue.message
  if (issue.code === 'invalid_value') return toChoice(issue)
  return `${expected(issue)}, got ${describeValue(issue.input)}`
}

function toChoice(issue: z.core.$ZodIssueInvalidValue): string {
  const { values, input } = issue
  const isText = typeof input === 'string'
  const isQuoted =
    isText && values.some((value) => typeof value !== 'string' && String(value) === input)
  if (isQuoted) return `${expected(issue)}, got the text ${describeValue(input)}`
  const guess = isText ? suggestValue(input, values.map(String)) : ''
  return `${expected(issue)}, got ${describeValue(input)}${guess}`
}

/** The error for an unknown field. */
export function unknownField(key: string, known: readonly string[]): string {
  return `Unknown field ${describeValue(key)}${suggestField(key, known)}`
}
