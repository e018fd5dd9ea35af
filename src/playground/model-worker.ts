import { readCheckpoint } from '../language-model/checkpoint.ts'
import { type LanguageModel, loadModel, type Memory } from '../language-model/model.ts'
import { BEGIN, END, readTokenizer, type Tokenizer } from '../language-model/tokenizer.ts'

/** A worker that runs a language model. */

export type Question =
  | { kind: 'open'; checkpoint: ArrayBuffer; tokenizer: ArrayBuffer }
  | { kind: 'encode'; text: string }
  | { kind: 'next'; text: string; ids: readonly number[] }

/** What the page must know about a model. */
export interface Opened {
  /** Largest number of tokens of a text. */
  readonly context: number
  /** The text of each token. */
  readonly words: readonly string[]
  /** Tokens that end a text. */
  readonly endIds: readonly number[]
}

let model: LanguageModel
let tokenizer: Tokenizer

/** The tokens of each text that the model has computed. */
const texts = new Map<string, { memory: Memory; ids: readonly number[] }>()

function open(files: { checkpoint: ArrayBuffer; tokenizer: ArrayBuffer }): Opened {
  const checkpoint = readCheckpoint(files.checkpoint)
  model = loadModel(checkpoint)
  tokenizer = readTokenizer(files.tokenizer, checkpoint.vocabSize)
  const words = tokenizer.texts.map((text) => text.replace(/^\n(<\/?s>)\n$/, '$1'))
  return { context: checkpoint.context, words, endIds: [BEGIN, END] }
}

/** The logits after these tokens. Only those that differ from the last call for this text are computed. */
function next(name: string, ids: readonly number[]): Float32Array {
  const text = texts.get(name) ?? { memory: model.newMemory(), ids: [] }
  const different = ids.findIndex((id, i) => id !== text.ids[i])
  // The logits are those of the last token, so at least that one is computed.
  const from = Math.min(different < 0 ? ids.length : different, ids.length - 1)
  let logits: Float32Array | undefined
  for (let at = from; at < ids.length; at++) logits = model.forward(text.memory, ids[at]!, at)
  texts.set(name, { memory: text.memory, ids })
  return logits!.slice()
}

function answer(question: Question): unknown {
  switch (question.kind) {
    case 'open':
      return open(question)
    case 'encode':
      return tokenizer.encode(question.text)
    case 'next':
      return next(question.text, question.ids)
  }
}

addEventListener('message', ({ data: { id, question } }: MessageEvent) => {
  try {
    postMessage({ id, answer: answer(question) })
  } catch (error) {
    postMessage({ id, error: (error as Error).message })
  }
})
