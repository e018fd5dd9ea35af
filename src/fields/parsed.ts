import * as z from 'zod'
import type { ProblemCode } from '../errors.ts'
import { Elements } from '../tensors/elements.ts'
import { DecodedText, NumberList } from './long-values.ts'

/**
 * Fields that may be as long as a vocabulary. Each is checked by a function that stops at the first fault, because
 * zod's own array would make an issue for every element.
 */

export type Path = (string | number)[]

/** Throws a fault. Its code is INVALID_REQUEST by default. */
export type FaultAt = (path: Path, message: string, code?: ProblemCode) => never

/** A field parsed by a function that stops at the first fault, documented by a JSON schema. */
export function parsed<Output>(
  documentation: z.core.GlobalMeta,
  parse: (value: unknown, fault: FaultAt) => Output,
) {
  return z
    .unknown()
    .meta(documentation)
    .transform((value, context): Output => {
      try {
        return parse(value, (path, message, problem) => {
          throw new Faulty([{ code: 'custom', path, message, input: value, params: { problem } }])
        })
      } catch (error) {
        if (!(error instanceof Faulty)) throw error
        context.issues.push(...error.issues)
        return z.NEVER
      }
    })
}

class Faulty extends Error {
  readonly issues: z.core.$ZodRawIssue[]

  constructor(issues: z.core.$ZodRawIssue[]) {
    super()
    this.issues = issues
  }
}

/** The schema under the wrappers that make a field optional. */
export function withoutDefault(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
    ? withoutDefault(schema.unwrap())
    : schema
}

/** An object without the optional fields of its schema that are null. Many clients send omitted fields as null. */
export function withoutNulls(schema: z.core.$ZodType, value: unknown): unknown {
  if (!isObject(value)) return value
  const inner = withoutDefault(schema)
  if (!(inner instanceof z.ZodObject)) return value
  const shape = inner.shape as Record<string, z.core.$ZodType>
  const isAbsent = ([name, of]: [string, unknown]) =>
    of === null && Object.hasOwn(shape, name) && shape[name] !== withoutDefault(shape[name]!)
  const entries = Object.entries(value)
  return entries.some(isAbsent)
    ? Object.fromEntries(entries.filter((entry) => !isAbsent(entry)))
    : value
}

/** Parses a part of a field by a schema, within a function given to `parsed`. */
export function parsePart<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  path: Path = [],
): z.output<Schema> {
  const result = schema.safeParse(withoutNulls(schema, value), { reportInput: true })
  if (result.success) return result.data
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  throw new Faulty(
    result.error.issues.map(
      (issue) => ({ ...issue, known, path: [...path, ...issue.path] }) as z.core.$ZodRawIssue,
    ),
  )
}

/** A short description of a faulty value, whatever its size. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'none'
  if (value === null) return 'null'
  if (isList(value)) return 'an array'
  if (value instanceof DecodedText) return `a string of ${value.length} characters`
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'string') {
    return value.length > 32 ? `a string of ${value.length} characters` : JSON.stringify(value)
  }
  return String(value)
}

/** Whether a JSON value is a list. A long list of numbers is a `NumberList`. */
export function isList(value: unknown): value is unknown[] | NumberList {
  return Array.isArray(value) || value instanceof NumberList
}

/** Whether a JSON value is an object, and not one of the classes that stand for long lists and strings. */
export function isObject(value: unknown): value is object {
  const isOther = value === null || isList(value) || value instanceof DecodedText
  return typeof value === 'object' && !isOther
}

/** The items of a list. Those of a `NumberList` end with the first that is no number. */
export function itemsOf(list: unknown[] | NumberList): unknown[] {
  if (!(list instanceof NumberList)) return list
  const numbers: unknown[] = Array.from(list.elements.toFloat64())
  if (list.fault) numbers.push(list.fault.value)
  return numbers
}

/** A list as numbers, up to the first item that is none. "-Infinity" is a number here. */
export function numbersOf(list: unknown[] | NumberList): NumberList {
  if (list instanceof NumberList) return list
  const numbers = new Float64Array(list.length)
  for (let i = 0; i < list.length; i++) {
    const value = list[i]
    if (typeof value === 'number') numbers[i] = value
    else if (value === '-Infinity') numbers[i] = Number.NEGATIVE_INFINITY
    else
      return new NumberList(Elements.of(numbers.subarray(0, i)), list.length, { index: i, value })
  }
  return new NumberList(Elements.of(numbers))
}

/** The JSON schema of the input of a zod schema, to be embedded in another. */
export function toPart(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  const { $schema: _, ...part } = z.toJSONSchema(schema, { io: 'input' })
  return part
}
