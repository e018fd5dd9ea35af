import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { describeConfig } from '../../src/config.ts'
import { SampleRequest } from '../../src/protocols/json/request.ts'
import { kelvinOrder, samplerByName } from '../../src/sampling/order.ts'
import { profiles } from '../../src/sampling/profiles/index.ts'

type Cell = string | number

function table(header: string[], rows: Cell[][]): string {
  const line = (cells: Cell[]) =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

interface Property {
  type?: string
  enum?: string[]
  anyOf?: Property[]
  minimum?: number
  maximum?: number
  default?: unknown
  description?: string
}

function rangeOf({ type, enum: choices, anyOf, minimum, maximum }: Property): string {
  if (choices) return choices.map((choice) => `\`${choice}\``).join(', ')
  if (anyOf) return [...new Set(anyOf.map(({ type }) => type))].filter(Boolean).join(' or ')
  const unbounded = Number.MAX_SAFE_INTEGER
  const low = minimum === undefined ? '' : ` from ${minimum}`
  const high = maximum === undefined || maximum === unbounded ? '' : ` to ${maximum}`
  return `${type}${low}${high}`
}

const { properties, required } = z.toJSONSchema(SampleRequest, { io: 'input' }).$defs!
  .SampleRequest as { properties: Record<string, Property>; required: string[] }

function fieldRow(name: string): Cell[] {
  const property = properties[name]!
  const { default: value } = property
  const absent = required.includes(name) ? 'required' : ''
  const fallback = value === undefined ? absent : `\`${JSON.stringify(value)}\``
  return [`\`${name}\``, rangeOf(property), fallback, property.description ?? '']
}

const samplerFields = kelvinOrder.flatMap((name) => Object.keys(samplerByName.get(name)!.fields))
const otherFields = Object.keys(properties).filter(
  (name) => !samplerFields.includes(name) && !required.includes(name),
)

const tables = {
  parameters: table(
    ['field', 'values', 'default', 'meaning'],
    [...required, ...samplerFields, ...otherFields].map(fieldRow),
  ),
  profiles: table(
    ['profile', 'order', 'meaning'],
    profiles.map(({ name, order, meaning }) => [`\`${name}\``, order.join(' → '), meaning]),
  ),
  configuration: table(
    ['variable', 'default', 'meaning'],
    describeConfig().map(({ name, fallback, description }) => [
      `\`${name}\``,
      `\`${fallback}\``,
      description,
    ]),
  ),
  samplers: table(
    ['sampler', 'fields', 'what it does', 'paper'],
    kelvinOrder.map((name) => {
      const { fields, meaning, reference } = samplerByName.get(name)!
      const list = Object.keys(fields).map((field) => `\`${field}\``)
      return [`\`${name}\``, list.join(', '), meaning, `[${reference.title}](${reference.url})`]
    }),
  ),
}

/** With -u this writes the tables; without, it fails when what they are made from has changed. */
it.each(['README.md', 'src/sampling/README.md'])(
  'the tables of %s are up to date',
  async (file) => {
    const path = new URL(`../../${file}`, import.meta.url)
    const text = Object.entries(tables).reduce(
      (whole, [name, content]) =>
        whole.replace(
          new RegExp(`(<!-- ${name}: [^>]*-->\n).*?(<!-- /${name} -->)`, 's'),
          (_, start: string, end: string) => `${start}${content}\n${end}`,
        ),
      readFileSync(path, 'utf8'),
    )
    await expect(text).toMatchFileSnapshot(path.pathname)
  },
)
