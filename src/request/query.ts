import { type Fault, Problem, toPointer } from '../errors.ts'
import { type Form, formsOf } from '../fields/form.ts'
import { describeValue, isObject } from '../fields/parsed.ts'
import type { Operation } from './operations.ts'
import { toValue } from './texts.ts'
import { MAX_FAULTS, unknownField } from './validate.ts'

/** A query as Fastify parses it: a repeated name has a list of texts. */
export type Query = Readonly<Record<string, string | readonly string[]>>

/** The fields that a query may have, and the reasons why it may not have others. */
export interface QueryNames {
  readonly parameters: ReadonlyMap<string, Form>
  readonly refused: ReadonlyMap<string, string>
}

/** The fields of an operation that a query may have: all except those that may be as long as a vocabulary. */
export function queryNames({ Fields }: Operation): QueryNames {
  const all = [...formsOf(Fields)]
  const long = all.flatMap(([name, { isLong }]) => (isLong ? [name] : []))
  const why = 'cannot be in a query; send it in a JSON body'
  return {
    parameters: new Map(all.filter(([, { isLong }]) => !isLong)),
    refused: new Map([...long, 'logits', 'rows'].map((name) => [name, `${name} ${why}`])),
  }
}

/** The fields of a query, which a schema still has to check; undefined if the query is empty. */
export function readQuery(
  query: Query,
  { parameters, refused }: QueryNames,
): Record<string, unknown> | undefined {
  let values: Record<string, unknown> | undefined
  const faults: Fault[] = []
  for (const name in query) {
    values ??= {}
    const given = query[name]!
    const parameter = parameters.get(name)
    const value = parameter && toField(given, parameter)
    const fault = parameter
      ? findFault(given, value, parameter)
      : (refused.get(name) ?? unknownField(name, [...parameters.keys(), ...refused.keys()]))
    if (fault === undefined) values[name] = value
    else faults.push({ pointer: toPointer([name]), detail: fault })
    if (faults.length > MAX_FAULTS) break
  }
  const [first] = faults
  if (!first) return values
  throw new Problem('INVALID_REQUEST', `In the query, ${first.pointer}: ${first.detail}`, faults)
}

/** A list may be one text with commas, or a repeated name. */
function toField(given: string | readonly string[], parameter: Form): unknown {
  if (typeof given === 'string') return toValue(given, parameter)
  return parameter.isList ? given.flatMap((text) => toValue(text, parameter)) : undefined
}

/** Finds faults of a value that the schema of its field cannot name: broken JSON text, and several values for one. */
function findFault(
  given: string | readonly string[],
  value: unknown,
  { kind, isList }: Form,
): string | undefined {
  if (kind === 'object' && typeof given === 'string' && value !== null && !isObject(value)) {
    return `Expected an object as JSON text, got ${describeValue(given)}; or send it in a JSON body`
  }
  if (isList) return undefined
  const isNumber = kind === 'number' || kind === 'integer'
  const several = isNumber && typeof value === 'string' ? value.split(',') : given
  if (typeof several === 'string' || several.length === 1) return undefined
  const hint = 'a query has one value for all rows; send one for each row in a JSON body'
  return `Expected one value, got ${several.length}; ${hint}`
}

/** A body, with the fields of the query that are omitted or null in the body. */
export function withQuery(body: unknown, asked: Record<string, unknown> | undefined): unknown {
  if (!asked || !isObject(body)) return body
  const whole: Record<string, unknown> = { ...body }
  for (const [name, value] of Object.entries(asked)) whole[name] ??= value
  return whole
}
