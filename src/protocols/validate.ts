import leven from 'leven'
import * as z from 'zod'
import { type Fault, Problem, type ProblemCode, toPointer } from '../errors.ts'
import { describeValue, isObject } from '../sampling/parsed.ts'

/** Parse a value by a schema, or throw a problem that names each fault, at most `MAX_FAULTS`. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: PropertyKey[] = [],
): z.output<Schema> {
  // zod takes what stands for a long list or text for an object.
  if (schema instanceof z.ZodObject && typeof value === 'object' && !isObject(value)) {
    const [pointer, detail] = [toPointer(path), `Expected object, got ${describeValue(value)}`]
    throw new Problem('INVALID_REQUEST', `${pointer || 'The body'}: ${detail}`, [
      { pointer, detail },
    ])
  }
  const parsed = schema instanceof z.ZodObject ? parseGiven(schema, value) : undefined
  if (parsed) return parsed as z.output<Schema>
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  throw toProblem(result.error.issues, known, path)
}

interface Known {
  fields: ReadonlyMap<string, z.ZodType>
  /** What the fields come to that are not given, but for those that must be. */
  defaults: Readonly<Record<string, unknown>>
  required: readonly string[]
}

const knownOf = new WeakMap<z.ZodObject, Known>()

function learn(schema: z.ZodObject): Known {
  if (schema.def.checks?.length) throw new Error('Checks of an object as a whole would not be run')
  const fields = new Map(Object.entries(schema.shape as Record<string, z.ZodType>))
  const required = [...fields].flatMap(([name, field]) =>
    field.safeParse(undefined).success ? [] : [name],
  )
  const mask = Object.fromEntries(required.map((name) => [name, true]))
  const known = { fields, required, defaults: schema.partial(mask as never).parse({}) }
  knownOf.set(schema, known)
  return known
}

/**
 * Most requests give few of very many fields, so only those are parsed; the others are what they always
 * are. Nothing when there is any fault, which is for the whole schema to name.
 */
function parseGiven(schema: z.ZodObject, value: unknown): object | undefined {
  if (!isPlain(value)) return undefined
  const { fields, defaults, required } = knownOf.get(schema) ?? learn(schema)
  const parsed: Record<string, unknown> = {}
  for (const [name, given] of Object.entries(value)) {
    const result = fields.get(name)?.safeParse(given)
    if (!result?.success) return undefined
    parsed[name] = result.data
  }
  if (!required.every((name) => Object.hasOwn(value, name))) return undefined
  return { ...defaults, ...parsed }
}

function isPlain(value: unknown): value is object {
  return value instanceof Object && Object.getPrototypeOf(value) === Object.prototype
}

/** Enough to mend a request by, few enough that no request makes an answer long. */
export const MAX_FAULTS = 10

function toProblem(
  issues: readonly z.core.$ZodIssue[],
  known: readonly string[],
  path: PropertyKey[],
): Problem {
  const faults: Fault[] = []
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys' && !isObject(issue.input)) {
      const detail = `Expected object, got ${describeValue(issue.input)}`
      faults.push({ pointer: toPointer([...path, ...issue.path]), detail })
    } else if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys.slice(0, MAX_FAULTS + 1)) {
        // Only of the object itself is it known what it may hold.
        const nearest = suggestion(key, issue.path.length === 0 ? known : [])
        const detail = `Unknown field ${describeValue(key)}${nearest}`
        faults.push({ pointer: toPointer([...path, ...issue.path, key]), detail })
      }
    } else {
      faults.push({ pointer: toPointer([...path, ...issue.path]), detail: toDetail(issue) })
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
  return `${issue.message.replace('Invalid input: e', 'E').replace(/, received .*$/, '')}, got ${describeValue(issue.input)}`
}

function suggestion(key: string, known: readonly string[]): string {
  if (known.length === 0 || key.length > 64) return ''
  const distance = (name: string) => (name.startsWith(key) ? 1 : leven(key, name))
  const nearest = known.toSorted((a, b) => distance(a) - distance(b))[0]
  return `; did you mean "${nearest}"?`
}
