import { type Fault, Problem, toPointer } from '../errors.ts'
import { isObject } from '../sampling/parsed.ts'
import { type Parameter, parametersOf, toValue } from './parameters.ts'
import type { Operation } from './request.ts'
import { MAX_FAULTS, unknownField } from './validate.ts'

/** A query as Fastify parses it: a name that comes twice has a list of texts. */
export type Query = Readonly<Record<string, string | readonly string[]>>

/** The names a query may have, and why some may not. */
export interface QueryNames {
  readonly parameters: ReadonlyMap<string, Parameter>
  readonly refused: ReadonlyMap<string, string>
}

/** Of the fields of an operation, those that are a value or a list of values. */
export function queryNames({ Fields }: Operation): QueryNames {
  const parameters = new Map([...parametersOf(Fields)].filter(([, { kind }]) => kind !== 'logits'))
  return { parameters, refused: new Map() }
}

/** What a query says, field by field, for a schema to check; nothing where there is no query. */
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
    const fault = parameter
      ? findRepetition(given)
      : (refused.get(name) ?? unknownField(name, [...parameters.keys()]))
    if (fault === undefined) values[name] = toValue(given as string, parameter)
    else faults.push({ pointer: toPointer([name]), detail: fault })
    if (faults.length > MAX_FAULTS) break
  }
  const [first] = faults
  if (!first) return values
  throw new Problem('INVALID_REQUEST', `In the query, ${first.pointer}: ${first.detail}`, faults)
}

function findRepetition(given: string | readonly string[]): string | undefined {
  return typeof given === 'string' ? undefined : `Expected one value, got ${given.length}`
}

/** A body with the fields of a query that it leaves out, or has as null. */
export function withQuery(body: unknown, asked: Record<string, unknown> | undefined): unknown {
  if (!asked || !isObject(body)) return body
  const whole: Record<string, unknown> = { ...body }
  for (const [name, value] of Object.entries(asked)) whole[name] ??= value
  return whole
}
