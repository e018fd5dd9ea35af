import type * as z from 'zod'

/** Messages for values that do not fit a schema. They replace those of zod, which must not reach a user. */

const kinds: Readonly<Record<string, string>> = {
  array: 'an array',
  bigint: 'an integer',
  boolean: 'true or false',
  int: 'an integer',
  null: 'null',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
  tuple: 'an array',
}

const kindOf = (type: string) => kinds[type] ?? 'a value of another type'

/** An issue of zod, with or without its message. */
type Issue = z.core.$ZodIssue | z.core.$ZodRawIssue

const units: Readonly<Record<string, string>> = { string: 'character', array: 'item' }

function amount(count: number | bigint, origin: string): string {
  const unit = units[origin]
  if (unit === undefined) return String(count)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** Joins the first expectation of each alternative. */
function anyOf(alternatives: readonly (readonly z.core.$ZodIssue[])[]): string {
  const all = alternatives.flatMap(([first]) => (first ? expectation(first) : []))
  return [...new Set(all)].join(' or ')
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return kindOf(issue.expected)
    case 'invalid_value':
      return choiceOf(issue.values)
    case 'too_big': {
      const most = amount(issue.maximum, issue.origin)
      return issue.exact
        ? `exactly ${most}`
        : `${issue.inclusive ? 'at most' : 'less than'} ${most}`
    }
    case 'too_small': {
      const least = amount(issue.minimum, issue.origin)
      return issue.exact
        ? `exactly ${least}`
        : `${issue.inclusive ? 'at least' : 'more than'} ${least}`
    }
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    case 'invalid_format':
      return issue.pattern
        ? `text that matches ${issue.pattern}`
        : `text in the form ${issue.format}`
    case 'invalid_union':
      return anyOf(issue.errors) || 'a value of another form'
    case 'invalid_key':
      return 'keys of another form'
    case 'unrecognized_keys':
      return 'no other fields'
    default:
      return 'a value of another form'
  }
}

function choiceOf(values: readonly z.core.util.Primitive[]): string {
  const listed = values.map((value) => JSON.stringify(value)).join(', ')
  return values.length > 1 ? `one of ${listed}` : listed
}

/** The message for an issue, without a full stop, so that the caller can append the value. */
export function expected(issue: Issue): string {
  return `Expected ${expectation(issue)}`
}
