import type { Form } from '../fields/form.ts'

/** Reads the texts that stand for fields outside JSON: in queries, on the command line and in parameters of /v2. */

/** Numbers as Python, Go, R and shells print them: .5, 1., 1e-05. A plus may have become a space in a query. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+ -]?\d+)?$/

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
])

function toItem(text: string, kind: Form['kind'] | undefined): unknown {
  const trimmed = text.trim()
  switch (kind) {
    case 'integer':
      if (/^\d+$/.test(trimmed)) return trimmed
      return toNumber(trimmed) ?? text
    case 'number':
      return toNumber(trimmed) ?? text
    case 'logits':
      return /^-inf(inity)?$/i.test(trimmed) ? '-Infinity' : (toNumber(trimmed) ?? text)
    case 'boolean':
      return booleans.get(trimmed.toLowerCase()) ?? text
    case 'bytes':
      // A query decodes + as a space; base64 has no spaces.
      return text.replaceAll(' ', '+')
    case 'object':
    case 'json':
      return fromJson(text)
    default:
      return trimmed
  }
}

function toNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text.replace(' ', '+')) : undefined
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * The value of a text. The items of a list are separated by commas. A text that does not fit the form stays text,
 * and the schema refuses it.
 */
export function toValue(text: string, form: Form | undefined): unknown {
  if (!form?.isList) return toItem(text, form?.kind)
  return text === '' ? [] : text.split(',').map((item) => toItem(item, form.kind))
}
