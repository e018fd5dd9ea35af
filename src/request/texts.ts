import type { Form } from '../fields/form.ts'

/** What texts say that stand for fields outside JSON. */

/** As Python, Go, R and shells print numbers: .5, 1., 1e-05, and a plus, which is a space in a query. */
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
      // What base64 has and a query takes for a space.
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
 * What a text says, a list having commas between its items. What does not look like its kind stays text,
 * for the schema to complain of.
 */
export function toValue(text: string, form: Form | undefined): unknown {
  if (!form?.isList) return toItem(text, form?.kind)
  return text === '' ? [] : text.split(',').map((item) => toItem(item, form.kind))
}
