import type { Vocabulary } from '../types.ts'
import { readNumbers, readWordLines, type WordsAndLogits } from './plain.ts'
import { isRequest, logitsRows, readRequest } from './request.ts'
import { type Given, rowsOf } from './rows.ts'
import { Unusable } from './unusable.ts'
import { wordsOfJson, wordsOfLines } from './words.ts'

/** Text that is pasted, or that a file contains. */

export type FromText = { rows: Given; words?: Vocabulary } | { words: Vocabulary }

/** Python writes these without quotes. */
const BARE = /([[,:\s])(-?Infinity|NaN)(?=\s*[,\]}])/g

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (BARE.test(text)) {
      const quoted = text.replace(BARE, '$1"$2"')
      if (quoted !== text) return parse(quoted)
    }
    // Browsers name the place in different ways.
    const [, line, column] = /line (\d+) column (\d+)/.exec((error as Error).message) ?? []
    const where = line ? ` at line ${line}, column ${column}` : ', or it ends too early'
    throw new Unusable(`This is not valid JSON${where}`)
  }
}

function withWords(name: string, { words, logits }: WordsAndLogits): FromText {
  return { rows: rowsOf(name, [logits]), words: { name, words } }
}

/** Whether the numbers of an object are token ids: integers, each once. */
function areIds(values: readonly unknown[]): boolean {
  const isId = (value: unknown) => Number.isInteger(value) && (value as number) >= 0
  return values.every(isId) && new Set(values).size === values.length
}

function fromJson(name: string, value: unknown): FromText {
  if (Array.isArray(value)) {
    if (value.length === 0) throw new Unusable('The list is empty; give at least one logit')
    const first: unknown = value[0]
    const isWords = typeof first === 'string' && first !== '-Infinity' && first !== 'NaN'
    return isWords ? { words: wordsOfJson(name, value) } : { rows: rowsOf(name, logitsRows(value)) }
  }
  if (typeof value !== 'object' || value === null) {
    throw new Unusable('A single value is not a row; give a list of numbers')
  }
  if (isRequest(value)) return readRequest(name, value)
  const entries = Object.entries(value)
  const values = entries.map(([, one]) => one as unknown)
  const areLogits =
    entries.length > 0 && values.every((one) => typeof one === 'number' || one === '-Infinity')
  if (!areLogits || areIds(values)) {
    if ('model' in value || areLogits) return { words: wordsOfJson(name, value) }
    throw new Unusable('The JSON has no “logits”; give a list of numbers, or a request')
  }
  const logits = Float32Array.from(values, (one) =>
    one === '-Infinity' ? Number.NEGATIVE_INFINITY : Number(one),
  )
  return withWords(name, { words: entries.map(([word]) => word), logits })
}

const MARK = /^\u{feff}/u

export function readText(name: string, given: string): FromText {
  const text = given.replace(MARK, '').replaceAll('\r\n', '\n').trim()
  if (text === '')
    throw new Unusable('There is nothing to read; give numbers, or lines such as “word: 1.5”')
  const numbers = readNumbers(text)
  if (numbers) return { rows: rowsOf(name, numbers) }
  if (/^[[{]/.test(text)) return fromJson(name, parse(text))
  const lines = readWordLines(text)
  if (lines) return withWords(name, lines)
  return { words: wordsOfLines(name, given.replace(MARK, '').replaceAll('\r\n', '\n')) }
}
