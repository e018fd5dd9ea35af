/** The tokenizer of llama2.c: texts with scores. It merges the pair with the highest score first. */

export const BEGIN = 1
export const END = 2
/** Tokens 0 to 2 are special; the 256 bytes follow. */
const FIRST_BYTE = 3

export interface Tokenizer {
  /** The text of each token. A byte that is not text by itself is written as `<0x80>`. */
  readonly texts: readonly string[]
  /** The tokens of a text, after the token `BEGIN`. */
  encode(text: string): number[]
  /** The bytes of a token that follows the token `before`. */
  decode(token: number, before: number): Uint8Array
}

/** A file that is no tokenizer, or of another model. The message is for the user. */
export class BadTokenizer extends Error {}

interface Vocabulary {
  texts: string[]
  scores: number[]
}

function read(file: ArrayBuffer, vocabSize: number): Vocabulary {
  const view = new DataView(file)
  const decoder = new TextDecoder()
  const texts: string[] = []
  const scores: number[] = []
  // Skip the first four bytes, the length of the longest text.
  let at = 4
  while (texts.length < vocabSize) {
    const length = at + 8 <= file.byteLength ? view.getInt32(at + 4, true) : -1
    if (length < 0 || at + 8 + length > file.byteLength) {
      throw new BadTokenizer(
        `The tokenizer has ${texts.length} tokens, and the model has ${vocabSize}`,
      )
    }
    scores.push(view.getFloat32(at, true))
    texts.push(decoder.decode(new Uint8Array(file, at + 8, length)))
    at += 8 + length
  }
  return { texts, scores }
}

const encoder = new TextEncoder()

export function readTokenizer(file: ArrayBuffer, vocabSize: number): Tokenizer {
  const { texts, scores } = read(file, vocabSize)
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
    texts,
    encode(text) {
      // Each word has its space before it, including the first word.
      const tokens = [...(text && ` ${text}`)].flatMap((letter) => {
        const id = ids.get(letter)
        return id === undefined
          ? Array.from(encoder.encode(letter), (byte) => FIRST_BYTE + byte)
          : [id]
      })
      for (let pair = best(tokens); pair; pair = best(tokens)) tokens.splice(pair.at, 2, pair.id)
      return [BEGIN, ...tokens]
    },
    decode(token, before) {
      const text = texts[token]!
      const byte = /^<0x([0-9A-F]{2})>$/.exec(text)?.[1]
      if (byte) return Uint8Array.of(Number.parseInt(byte, 16))
      return encoder.encode(before === BEGIN ? text.replace(/^ /, '') : text)
    },
  }
}
