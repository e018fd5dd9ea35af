import * as z from 'zod'
import { type Form, formsOf } from '../fields/form.ts'
import { sampleOperation } from '../request/operations.ts'
import { suggestField } from '../request/suggest.ts'
import { toValue } from '../request/texts.ts'
import { misuse } from './failure.ts'

/** Options for the fields of a request, with the names of the fields. */

const { properties } = z.toJSONSchema(sampleOperation.Fields, { io: 'input' })
const descriptions = properties as Record<string, { description: string }>
const fields = Object.keys(descriptions)
const parameters = formsOf(sampleOperation.Fields)

const flagOf = (field: string) => field.replaceAll('_', '-')

function isSwitch(field: string): boolean {
  return parameters.get(field)?.kind === 'boolean' && !parameters.get(field)!.isList
}

/** The options in the form that parseArgs of node:util takes. A list may be one text with commas, or several. */
export const fieldOptions = Object.fromEntries(
  fields.map((field) => [
    flagOf(field),
    isSwitch(field)
      ? ({ type: 'boolean' } as const)
      : ({ type: 'string', multiple: true } as const),
  ]),
)

const words: Readonly<Record<Form['kind'], string>> = {
  number: 'NUMBER',
  integer: 'NUMBER',
  boolean: 'BOOLEAN',
  text: 'TEXT',
  bytes: 'BASE64',
  logits: 'NUMBER',
  object: 'JSON',
  json: 'JSON',
}

function wordOf(field: string): string {
  if (isSwitch(field)) return ''
  const { kind, isList } = parameters.get(field)!
  return isList ? ` ${words[kind]},…` : ` ${words[kind]}`
}

/** Help text: each option with the first sentence of its description. */
export const fieldUsage = fields
  .map((field) => {
    const [sentence] = descriptions[field]!.description.split(/(?<=\.) /)
    return `  --${flagOf(field)}${wordOf(field)}\n      ${sentence}`
  })
  .join('\n')

function toField(field: string, texts: readonly string[]): unknown {
  const parameter = parameters.get(field)!
  if (parameter.isList) return texts.flatMap((text) => toValue(text, parameter))
  const [text] = texts as [string]
  if (texts.length > 1) throw misuse(`--${flagOf(field)} takes one value, got ${texts.length}`)
  if (parameter.kind !== 'object' && parameter.kind !== 'json') return toValue(text, parameter)
  try {
    return JSON.parse(text)
  } catch {
    throw misuse(`--${flagOf(field)} takes JSON, got ${text.slice(0, 40)}`)
  }
}

/** The fields whose options were given. */
export function fieldsOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const given = fields.filter((field) => values[flagOf(field)] !== undefined)
  return Object.fromEntries(
    given.map((field) => {
      const value = values[flagOf(field)]
      return [field, Array.isArray(value) ? toField(field, value) : value]
    }),
  )
}

/** The message for an unknown option. */
export function unknownOption(option: string): string {
  const hint = suggestField(option.replace(/^-+/, ''), fields)
  return `unknown option ${option}${hint.replaceAll(/"(\w+)"/g, (_, field) => `--${flagOf(field)}`)}`
}
