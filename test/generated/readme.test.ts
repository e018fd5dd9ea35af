import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { describeConfig } from '../../src/config.ts'
import { sampleOperation } from '../../src/request/operations.ts'
import { profiles } from '../../src/sampling/profiles/index.ts'
import { kelvinOrder, samplerByName } from '../../src/sampling/registry.ts'
import { testApp } from '../app.ts'

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

const { properties, required } = z.toJSONSchema(sampleOperation.Request, { io: 'input' }) as {
  properties: Record<string, Property>
  required: string[]
}

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
      fallback ? `\`${fallback}\`` : 'not set',
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

const app = await testApp()

/** JSON as one would write it by hand: short things on one line. */
function pretty(value: unknown, indent = ''): string {
  const line = JSON.stringify(value, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/\[ | \]/g, (b) => b.trim())
  if (line.length + indent.length <= 88 || typeof value !== 'object' || value === null) return line
  const inner = `${indent}  `
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const items = Array.isArray(value)
    ? value.map((item) => pretty(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${pretty(item, inner)}`)
  return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`
}

/** What a curl command of the README is answered. */
async function answerTo(command: string): Promise<string> {
  const [, url] = /http:\/\/localhost(?::27315)?(\/[^\s']+)/.exec(command)!
  const [, inline, file] = /(?:-d|--data-binary) (?:'([^']*)'|@(\S+))/.exec(command)!
  const payload = inline ?? readFileSync(new URL(`../../${file}`, import.meta.url))
  const headers = Object.fromEntries(
    [...command.matchAll(/-H '([^:]+): ([^']*)'/g)].map(([, name, value]) => [name!, value!]),
  )
  const response = await app.inject({ method: 'POST', url: url!, headers, payload })
  return pretty(response.json())
}

async function withAnswers(text: string): Promise<string> {
  const blocks = [...text.matchAll(/```sh\n(curl .*?)```\n\n```json\n(.*?)\n?```/gs)]
  let whole = text
  for (const [block, command, answer] of blocks) {
    const written = block!.replace(`\`\`\`json\n${answer}`, () => '```json\n')
    const opened = written.slice(0, written.lastIndexOf('```json\n') + 8)
    whole = whole.replace(block!, `${opened}${await answerTo(command!)}\n\`\`\``)
  }
  return whole
}

/** With -u this writes the tables and answers; without, it fails when what makes them has changed. */
it.each(['README.md', 'src/sampling/README.md'])(
  'the tables and answers of %s are up to date',
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
    await expect(await withAnswers(text)).toMatchFileSnapshot(path.pathname)
  },
)
