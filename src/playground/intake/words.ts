import type { Vocabulary } from '../types.ts'
import { Unusable } from './unusable.ts'

/** Words by token id, from the files of tokenizers. */

type WordList = (string | undefined)[]

function fromIds(entries: Iterable<readonly [string, unknown]>): WordList {
  const words: WordList = []
  for (const [word, id] of entries) {
    if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= 2 ** 24) {
      throw new Unusable('Each word must have a token id, which is an integer from 0')
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
    throw new Unusable(`Entry ${bad} of the vocabulary is not a text`)
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

/** Words from JSON: a list by id, an object from word to id, or a tokenizer.json. */
export function wordsOfJson(name: string, value: object): Vocabulary {
  return { name, words: withSpaces(fromJson(value)) }
}

/** Words from text with one word on each line. */
export function wordsOfLines(name: string, text: string): Vocabulary {
  const lines = text.replace(/\n$/, '').split('\n')
  if (lines.length < 2) throw new Unusable('A list of words has one word on each line')
  return { name, words: withSpaces(lines) }
}
