import * as z from 'zod'
import { type Parameter, parametersOf, toValue } from '../protocols/parameters.ts'
import { sampleOperation } from '../protocols/request.ts'
import { misuse } from './failure.ts'

/** Flags for the fields of a request, by the names they have on the wire. */

const { properties } = z.toJSONSchema(sampleOperation.Fields, { io: 'input' })
const descriptions = properties as Record<string, { description: string }>
const fields = Object.keys(descriptions)
const parameters = parametersOf(sampleOperation.Fields)

const flagOf = (field: string) => field.replaceAll('_', '-')

function isSwitch(field: string): boolean {
  return parameters.get(field)?.kind === 'boolean' && !parameters.get(field)!.isList
}

/** As parseArgs of node:util wants it told. */
export const fieldOptions = Object.fromEntries(
  fields.map((field) => [flagOf(field), { type: isSwitch(field) ? 'boolean' : 'string' } as const]),
)

const words: Readonly<Record<Parameter['kind'], string>> = {
  number: 'NUMBER',
  boolean: 'BOOLEAN',
  text: 'TEXT',
  bytes: 'BASE64',
  logits: 'NUMBER',
}

function wordOf(field: string): string {
  if (isSwitch(field)) return ''
  const parameter = parameters.get(field)
  if (!parameter) return ' JSON'
  const word = words[parameter.kind]
  return parameter.isList ? ` ${word},…` : ` ${word}`
}

/** Each with the first sentence of what it means. */
export const fieldUsage = fields
  .map((field) => {
    const [sentence] = descriptions[field]!.description.split(/(?<=\.) /)
    return `  --${flagOf(field)}${wordOf(field)}\n      ${sentence}`
  })
  .join('\n')

function toField(field: string, text: string): unknown {
  const parameter = parameters.get(field)
  if (parameter) return toValue(text, parameter)
  try {
    return JSON.parse(text)
  } catch {
    throw misuse(`--${flagOf(field)} takes JSON, got ${text.slice(0, 40)}`)
  }
}

/** The fields that flags were given for. */
export function fieldsOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = fields.filter((field) => values[flagOf(field)] !== undefined)
  return Object.fromEntries(
    given.map((field) => {
      const value = values[flagOf(field)]
      return [field, typeof value === 'string' ? toField(field, value) : value]
    }),
  )
}
