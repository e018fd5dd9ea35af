import { readFileSync } from 'node:fs'

/** The tokenizer of llama2.c: texts with scores. It merges the pair with the highest score first. */

export const BEGIN = 1
export const END = 2
/** Tokens 0 to 2 are special; the 256 bytes follow. */
const FIRST_BYTE = 3

export interface Tokenizer {
  /** The tokens of a text, after the token `BEGIN`. */
  encode(text: string): number[]
  /** The bytes of a token that follows the token `before`. */
  decode(token: number, before: number): Uint8Array
}

interface Vocabulary {
  texts: string[]
  scores: number[]
}

function read(path: string, vocabSize: number): Vocabulary {
  const bytes = readFileSync(path)
  const texts: string[] = []
  const scores: number[] = []
  // Skip the first four bytes, the length of the longest text.
  for (let at = 4; texts.length < vocabSize; ) {
    scores.push(bytes.readFloatLE(at))
    const length = bytes.readInt32LE(at + 4)
    texts.push(bytes.toString('utf8', at + 8, at + 8 + length))
    at += 8 + length
  }
  return { texts, scores }
}

export function readTokenizer(path: string, vocabSize: number): Tokenizer {
  const { texts, scores } = read(path, vocabSize)
  const ids = new Map(texts.map((text, id) => [text, id]))

  /** The pair of neighbours whose merged token has the highest score. */
  function best(tokens: readonly number[]): { at: number; id: number } | undefined {
    let found: { at: number; id: number } | undefined
    for (let at = 0; at + 1 < tokens.length; at++) {
      const id = ids.get(texts[tokens[at]!]! + texts[tokens[at + 1]!]!)
      if (id !== undefined && (!found || scores[id]! > scores[found.id]!)) found = { at, id }
    }
    return found
  }

  return {
    encode(text) {
      // Each word has its space before it, including the first word.
      const tokens = [...(text && ` ${text}`)].flatMap((letter) => {
        const id = ids.get(letter)
        return id === undefined ? [...Buffer.from(letter)].map((byte) => FIRST_BYTE + byte) : [id]
      })
      for (let pair = best(tokens); pair; pair = best(tokens)) tokens.splice(pair.at, 2, pair.id)
      return [BEGIN, ...tokens]
    },
    decode(token, before) {
      const text = texts[token]!
      const byte = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1]
      if (byte) return Uint8Array.of(Number.parseInt(byte, 16))
      return Buffer.from(before === BEGIN ? text.replace(/^ /, '') : text)
    },
  }
}
