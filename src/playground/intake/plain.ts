import { Unusable } from './unusable.ts'

/** Numbers as people write them, and lines of words with numbers. */

const NUMBER = '[+-]?(?:(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|inf(?:inity)?|nan)'
const number = new RegExp(`^${NUMBER}$`, 'i')
/** All characters of numbers and what may be between them. */
const onlyNumbers = /^[\s\d.,;+\-eE[\]()infatyINFATY]*$/

function toNumber(written: string, index: number): number {
  const text = written.toLowerCase()
  if (!number.test(text))
    throw new Unusable(`The number at index ${index} cannot be read; write it as 1.5 or -2e3`)
  if (/nan$/.test(text))
    throw new Unusable(`The number at index ${index} is NaN; a logit is finite or −∞`)
  if (/inf/.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return Number(text)
}

const toRow = (text: string) =>
  Float32Array.from(text.match(/[^\s,;]+/g) ?? [], (item, index) => toNumber(item, index))

/** The text inside what Python prints around numbers, such as `tensor([1., 2.], dtype=torch.float16)`. */
function unwrapped(text: string): string {
  const [, inside] =
    /^(?:\w+\.)*(?:tensor|array)\(([\s\S]*?)(?:,\s*\w+=[^[\]]*)*\)$/.exec(text) ?? []
  return inside ?? text
}

/** Rows of numbers with any of the usual marks between them; undefined if the text has anything else. */
export function readNumbers(whole: string): Float32Array[] | undefined {
  const text = unwrapped(whole)
  if (!onlyNumbers.test(text) || !/\d/.test(text)) return undefined
  if (/\[\s*\[/.test(text))
    return Array.from(text.matchAll(/\[([^[\]]*)\]/g), ([, row]) => toRow(row!))
  const lines = text
    .replace(/[[\]()]/g, ' ')
    .split(/\n|;/)
    .filter((line) => line.trim() !== '')
  const rows = lines.map(toRow)
  // Lines of one length are rows. A column of numbers, or a list that is wrapped, is one row.
  const [first] = rows
  const isTable =
    rows.length > 1 && first!.length > 1 && rows.every((row) => row.length === first!.length)
  return isTable ? rows : [toRow(lines.join(' '))]
}

export interface WordsAndLogits {
  readonly words: string[]
  readonly logits: Float32Array
}

const wordLine = new RegExp(`^(.+?)(?:\\s*[:=,;\\t]\\s*|\\s+)(${NUMBER})\\s*[,;]?$`, 'is')

function unquoted(word: string): string {
  const [, , inside] = /^(["'])(.*)\1$/s.exec(word) ?? []
  return inside ?? word
}

/** Lines such as `word: 1.5`; undefined if the text does not look so. The first line may be a heading. */
export function readWordLines(text: string): WordsAndLogits | undefined {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), at: index + 1 }))
  const filled = lines.filter(({ line }) => line !== '')
  const matched = filled.map(({ line }) => wordLine.exec(line))
  const found = matched.filter((match) => match !== null)
  if (found.length === 0 || found.length < filled.length / 2) return undefined
  const odd = matched.findIndex((match, index) => match === null && index > 0)
  if (odd > 0) {
    throw new Unusable(
      `Line ${filled[odd]!.at} has no number at its end; write “word: 1.5” on each line`,
    )
  }
  return {
    words: found.map(([, word]) => unquoted(word!.trim())),
    logits: Float32Array.from(found, ([, , logit], index) => toNumber(logit!, index)),
  }
}
