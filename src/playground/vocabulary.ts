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

/** A file that is no vocabulary. The message is for the user. */
export class NotAVocabulary extends Error {}

type WordList = (string | undefined)[]

function fromIds(entries: Iterable<readonly [string, unknown]>): WordList {
  const words: WordList = []
  for (const [word, id] of entries) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= 2 ** 24) {
      throw new NotAVocabulary(`“${word}” should have a token id, and has ${JSON.stringify(id)}`)
    }
    words[id as number] = word
  }
  return words
}

interface AddedToken {
  content: string
  id: number
}

/** A list of words by id, an object from word to id, or a tokenizer.json that has one. */
function fromJson(value: unknown): WordList {
  if (Array.isArray(value)) {
    const bad = value.findIndex((word) => typeof word !== 'string')
    if (bad < 0) return value
    throw new NotAVocabulary(`Entry ${bad} should be a word, and is ${JSON.stringify(value[bad])}`)
  }
  const { model, added_tokens } = value as {
    model?: { vocab?: unknown }
    added_tokens?: AddedToken[]
  }
  if (typeof model?.vocab === 'object' && model.vocab !== null) {
    const { vocab } = model
    // Unigram models list [word, score] by id.
    const words = Array.isArray(vocab)
      ? vocab.map(([word]: [string]) => word)
      : fromIds(Object.entries(vocab))
    for (const { content, id } of added_tokens ?? []) words[id] = content
    return words
  }
  return fromIds(Object.entries(value as object))
}

/** The characters with which byte-level BPE writes bytes: visible ones as themselves, the others from U+0100 on. */
const byteOf = new Map<string, number>()
let shifted = 256
for (let byte = 0; byte < 256; byte++) {
  const isSeen = (byte > 32 && byte < 127) || (byte > 160 && byte !== 173)
  byteOf.set(String.fromCharCode(isSeen ? byte : shifted++), byte)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function fromBytes(word: string): string {
  const bytes = Array.from(word, (one) => byteOf.get(one))
  if (bytes.includes(undefined)) return word
  try {
    return decoder.decode(Uint8Array.from(bytes as number[]))
  } catch {
    return word
  }
}

/** The characters with which byte-level BPE and SentencePiece write a space. */
const BPE_SPACE = 'Ġ'
const PIECE_SPACE = '▁'

function withSpaces(words: WordList): WordList {
  const has = (mark: string) => words.some((word) => word?.startsWith(mark))
  if (has(BPE_SPACE)) return words.map((word) => word && fromBytes(word))
  if (has(PIECE_SPACE)) return words.map((word) => word?.replaceAll(PIECE_SPACE, ' '))
  return words
}

/** Words from a file: JSON in one of its usual forms, or text with one word on each line. */
export function readVocabulary(name: string, text: string): Vocabulary {
  const isJson = /^\s*[[{]/.test(text)
  if (!isJson) {
    const lines = text.replace(/\r?\n$/, '').split(/\r?\n/)
    if (lines.length < 2)
      throw new NotAVocabulary('It has one line; a vocabulary has one word on each line')
    return { name, words: withSpaces(lines) }
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new NotAVocabulary(`It is not valid JSON: ${(error as Error).message}`)
  }
  return { name, words: withSpaces(fromJson(value)) }
}
