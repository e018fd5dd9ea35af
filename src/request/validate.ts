import * as z from 'zod'
import { type Fault, Problem, type ProblemCode, toPointer } from '../errors.ts'
import { expected } from '../expected.ts'
import { findForm } from '../fields/form.ts'
import { describeValue, isList, isObject, withoutDefault, withoutNulls } from '../fields/parsed.ts'
import { suggestField, suggestMember, suggestValue } from './suggest.ts'

/** Parse a value by a schema, or throw a problem that names each fault, at most `MAX_FAULTS`. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: PropertyKey[] = [],
): z.output<Schema> {
  // zod takes what stands for a long list or text for an object.
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
  /** The fields that may be null, which says no more than to leave them out. */
  optional: ReadonlySet<string>
  /** What the fields come to that are not given, but for those that must be. */
  defaults: Readonly<Record<string, unknown>>
  required: readonly string[]
  /** Whether it refuses what it does not know, rather than leave it out. */
  isStrict: boolean
}

const knownOf = new WeakMap<z.ZodObject, Known>()

function learn(schema: z.ZodObject): Known {
  if (schema.def.checks?.length) throw new Error('Checks of an object as a whole would not be run')
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
 * Most requests give few of very many fields, so only those are parsed; the others are what they always
 * are. Each is gone through once, for what is wrong with it as well.
 */
function parseGiven<Schema extends z.ZodObject>(
  schema: Schema,
  value: object,
  path: PropertyKey[],
): z.output<Schema> {
  const { fields, optional, defaults, required, isStrict } = knownOf.get(schema) ?? learn(schema)
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
      issues.set(name, placed(hinted, name))
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

const FOR_EACH = '; what each row has of its own goes into rows, a list of objects'

/** A fault, with what to add to its message, and what else an object may hold that was checked apart. */
type Issue = z.core.$ZodIssue & { hint?: string; known?: readonly string[] }

/** What a field takes: a value, a list of values, an object, or something else. */
function takes(field: z.ZodType): 'value' | 'list' | 'object' | 'other' {
  const form = findForm(field)
  if (!form || form.kind === 'json') return 'other'
  if (form.isList) return 'list'
  return form.kind === 'object' ? 'object' : 'value'
}

/** What to say of a list that was given where a value or an object belongs. */
function hintOf(
  field: z.ZodType,
  { path: [index, ...deeper] }: Issue,
  given: unknown,
  hasRows: boolean,
): string {
  if (!isList(given) || deeper.length > 0) return ''
  const form = takes(field)
  if (form === 'object') {
    const isForRows = Array.isArray(given) && given.every(isObject)
    if (isForRows) return hasRows ? FOR_EACH : ''
    const base = withoutDefault(field)
    const names = base instanceof z.ZodObject ? Object.keys(base.shape) : []
    return names.length > 0 ? `; it has ${names.join(' and ')}` : ''
  }
  const isRows = index === undefined ? form === 'value' : isListAt(given, index) && form === 'list'
  return isRows && hasRows ? FOR_EACH : ''
}

const isListAt = (given: unknown, index: PropertyKey) =>
  Array.isArray(given) && isList(given[index as number])

/** Issues of a field of an object. */
function placed(issues: readonly Issue[], name: string): Issue[] {
  return issues.map((issue) => ({ ...issue, path: [name, ...issue.path] }))
}

function isPlain(value: unknown): value is object {
  return value instanceof Object && Object.getPrototypeOf(value) === Object.prototype
}

/** Enough to mend a request by, few enough that no request makes an answer long. */
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

/** What to say of a field that is not among the known ones. */
export function unknownField(key: string, known: readonly string[]): string {
  return `Unknown field ${describeValue(key)}${suggestField(key, known)}`
}
