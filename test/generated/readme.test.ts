import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { describeConfig } from '../../src/config.ts'
import { problems } from '../../src/errors.ts'
import { sampleOperation } from '../../src/request/operations.ts'
import { profiles } from '../../src/sampling/profiles/index.ts'
import { kelvinOrder, samplerByName } from '../../src/sampling/registry.ts'
import { testApp } from '../app.ts'
import { pages } from '../pages.ts'

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

const fieldsOf = (...samplers: string[]) =>
  samplers.flatMap((name) => Object.keys(samplerByName.get(name)!.fields))

/** Groups of fields, beginning with those that everyone uses. A field is in the first group that names it. */
const groups: { title: string; about: string; fields: string[] }[] = [
  {
    title: 'The six that everyone uses',
    about: 'Most requests need no other field than these and `logits`.',
    fields: ['temperature', 'top_p', 'top_k', 'min_p', 'repetition_penalty', 'seed'],
  },
  {
    title: 'The logits',
    about: 'See [wire formats](wire-formats.md) for all forms.',
    fields: ['logits', 'rows'],
  },
  {
    title: 'The tokens before',
    about: 'Penalties look at these tokens, and so do samplers that find repetitions.',
    fields: ['prompt_token_ids', 'output_token_ids', 'penalty_last_n', 'stop_token_ids', 'state'],
  },
  {
    title: 'The draw',
    about: 'Seed, stream and step are [the address of the random numbers](determinism.md).',
    fields: ['n', 'replacement', 'stream', 'step'],
  },
  {
    title: 'Reports',
    about: 'These fields change no draw.',
    fields: [
      'return_probabilities',
      'encoding',
      'top_logprobs',
      'logprob_token_ids',
      'logprobs_mode',
      'trace',
      'watch_token_ids',
    ],
  },
  {
    title: 'Which samplers run, and in which order',
    about: '[Profiles](determinism.md#profiles) has the orders.',
    fields: ['profile', 'order'],
  },
  {
    title: 'Masks and biases',
    about: 'Remove tokens by id, or make them more or less likely.',
    fields: fieldsOf('mask', 'logit_bias', 'sequence_bias', 'bad_words'),
  },
  {
    title: 'Penalties for repetition',
    about: 'These samplers need `prompt_token_ids` or `output_token_ids`.',
    fields: fieldsOf(
      'frequency_penalty',
      'presence_penalty',
      'encoder_repetition_penalty',
      'dry',
      'no_repeat_ngram',
    ),
  },
  {
    title: 'The end of a text',
    about: 'These samplers need `stop_token_ids`.',
    fields: fieldsOf('min_tokens', 'length_penalty'),
  },
  {
    title: 'The shape of the distribution',
    about: 'These samplers flatten or sharpen the distribution, and remove no token.',
    fields: fieldsOf('temperature', 'smoothing', 'guidance'),
  },
  {
    title: 'Truncation',
    about:
      'Each of these samplers keeps the tokens that are likely by its own measure, and removes the others.',
    fields: [
      'min_tokens_to_keep',
      ...fieldsOf('typical_p', 'top_n_sigma', 'top_h', 'epsilon_cutoff', 'eta_cutoff'),
      ...fieldsOf('top_a', 'tfs', 'p_less'),
    ],
  },
  {
    title: 'Less predictable text',
    about: 'These samplers remove likely tokens, or steer how surprising the text is.',
    fields: fieldsOf('xtc', 'mirostat', 'adaptive_p'),
  },
]

/** A section for each group, and one for the other fields. */
function parameterSections(): string {
  const seen = new Set<string>()
  const named = groups.flatMap(({ fields }) => fields)
  const others = Object.keys(properties).filter((name) => !named.includes(name))
  const other = { title: 'Other samplers', about: 'See `GET /v1/samplers`.', fields: others }
  const sections = [...groups, other].flatMap(({ title, about, fields }) => {
    const own = fields.filter((name) => !seen.has(name))
    for (const name of own) seen.add(name)
    const header = ['field', 'values', 'default', 'meaning']
    return own.length > 0 ? `## ${title}\n\n${about}\n\n${table(header, own.map(fieldRow))}` : []
  })
  return `\n${sections.join('\n\n')}\n`
}

const tables = {
  parameters: parameterSections(),
  problems: table(
    ['code', 'status', 'meaning'],
    Object.entries(problems).map(([code, [status, title]]) => [`\`${code}\``, status, title]),
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

/** JSON as a person writes it: short values on one line. */
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

/** The answer to a curl command of a page. */
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

/** With -u this writes the tables and answers. Without it, it fails if their sources have changed. */
it.each([...pages.map(({ path }) => path), 'src/sampling/README.md'])(
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
