import type { Vocabulary } from './types.ts'

/** The word of a token, or its id if it has no word. */
export function wordOf(id: number, { words }: Vocabulary): string {
  return words[id] ?? `#${id}`
}

/** The first token with this word. */
export function idOf(word: string, { words }: Vocabulary): number | undefined {
  const id = words.indexOf(word)
  return id < 0 ? undefined : id
}

/** The text of some tokens. */
export function textOf(ids: readonly number[], vocabulary: Vocabulary): string {
  return ids.map((id) => wordOf(id, vocabulary)).join('')
}

const marks: Readonly<Record<string, string>> = { '\n': '↵', '\t': '⇥', '\r': '␍', ' ': '·' }

/** A word with invisible characters made visible: space at its ends, line breaks, control characters. */
export function visible(word: string): string {
  if (word === '') return '∅'
  return word
    .replace(/^ +| +$|[\n\t\r]/g, (space) => Array.from(space, (one) => marks[one]).join(''))
    .replace(/\p{Cc}/gu, (one) => `<0x${one.charCodeAt(0).toString(16).padStart(2, '0')}>`)
}

const spaced = new WeakMap<Vocabulary, boolean>()

/** Whether words have the space before them, so that a token without one is a part of a word. */
function hasSpaces(vocabulary: Vocabulary): boolean {
  let known = spaced.get(vocabulary)
  if (known === undefined) {
    known = vocabulary.words.some((word) => word !== undefined && /^ \p{L}/u.test(word))
    spaced.set(vocabulary, known)
  }
  return known
}

/** A word as a label: without the space before it. A part of a word, which has no space before it, gets a mark instead. */
export function labelOf(id: number, vocabulary: Vocabulary): string {
  const word = wordOf(id, vocabulary)
  if (word === '\n') return '↵ new line'
  if (/^ \S/.test(word)) return visible(word.slice(1))
  return /^\p{L}/u.test(word) && hasSpaces(vocabulary) ? `…${visible(word)}` : visible(word)
}
