import leven from 'leven'
import * as z from 'zod'
import { type Fault, Problem, type ProblemCode, toPointer } from '../errors.ts'
import { describeValue, isList } from '../sampling/parsed.ts'

/** Parse a value by a schema, or throw a problem that names each fault, at most `MAX_FAULTS`. */
export function validate<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: PropertyKey[] = [],
): z.output<Schema> {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  throw toProblem(result.error.issues, known, path)
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
    if (issue.code === 'unrecognized_keys' && isList(issue.input)) {
      const detail = `Expected an object, got ${describeValue(issue.input)}`
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
