import { BadNpy, HEADER_ROOM, isNpy, readHeader, rowRange, toFloat32 } from '../npy.ts'
import type { Vocabulary } from '../types.ts'
import { check, type Given, noFields, rowsOf } from './rows.ts'
import { readText } from './text.ts'
import { shortName, Unusable } from './unusable.ts'

/** Files that the user opens or drops. */

/** What a file contains. */
export type Taken =
  | { rows: Given; words?: Vocabulary }
  | { words: Vocabulary }
  | { checkpoint: ArrayBuffer }
  | { tokenizer: ArrayBuffer }

export interface Limits {
  readonly max_body_bytes: number
  readonly max_vocab_size: number
}

async function readNpy(file: File): Promise<Given> {
  const header = readHeader(await file.slice(0, HEADER_ROOM).arrayBuffer(), file.size)
  const { shape } = header
  if (shape.includes(0)) throw new Unusable('Its shape has a 0, so it has no numbers')
  return {
    name: file.name,
    rows: shape.length === 2 ? shape[0]! : 1,
    vocabSize: shape.at(-1)!,
    fieldsOf: noFields,
    async row(index) {
      const bytes = await file.slice(...rowRange(header, index)).arrayBuffer()
      return check(toFloat32(header, bytes))
    },
  }
}

/** Formats that are known by their first bytes, with what to do instead. */
const refused: Readonly<Record<string, string>> = {
  'PK\u0003\u0004': 'a zip or .npz archive; take the .npy out of it',
  '\u001f\u008b': 'compressed with gzip; unpack it',
  GGUF: 'a model in GGUF; the page runs checkpoints of llama2.c',
  '\u0089PNG': 'a picture; open logits, words or a model',
  '\u00ff\u00d8\u00ff': 'a picture; open logits, words or a model',
  GIF8: 'a picture; open logits, words or a model',
  RIFF: 'a picture or sound; open logits, words or a model',
  '%PDF': 'a PDF; open logits, words or a model',
  '\u00ff\u00fe': 'text in UTF-16; save it as UTF-8',
  '\u00fe\u00ff': 'text in UTF-16; save it as UTF-8',
  '[\u0000': 'text in UTF-16; save it as UTF-8',
  '{\u0000': 'text in UTF-16; save it as UTF-8',
}

function refusalOf(start: string): string | undefined {
  const found = Object.entries(refused).find(([begin]) => start.startsWith(begin))
  if (found) return found[1]
  const isSafetensors = start.startsWith('{"', 8) && !start.startsWith('{')
  return isSafetensors ? 'in safetensors; save the logits with numpy.save' : undefined
}

const HEADER_BYTES = 36

/** The number of weights of a float32 checkpoint of llama2.c with this header, or undefined if it cannot be one. */
function checkpointBytes(view: DataView): number | undefined {
  const [dim = 0, hidden = 0, layers = 0, heads = 0, kvHeads = 0, vocab = 0, context = 0] =
    Array.from({ length: 7 }, (_, i) => view.getInt32(4 * i, true))
  const size = Math.abs(vocab)
  const isPlausible = [dim, hidden, layers, heads, kvHeads, size, context].every(
    (n) => n > 0 && n < 2 ** 20,
  )
  if (!isPlausible || dim % heads !== 0) return undefined
  const kvDim = (dim / heads) * kvHeads
  const perLayer = 2 * dim + 2 * dim * dim + 2 * kvDim * dim + 3 * dim * hidden
  const weights =
    size * dim * (vocab > 0 ? 1 : 2) + layers * perLayer + dim + context * (dim / heads)
  return 28 + 4 * weights
}

const QUANTIZED_MAGIC = 0x616b3432

function isCheckpoint(head: ArrayBuffer, size: number): boolean {
  if (head.byteLength < HEADER_BYTES) return false
  const view = new DataView(head)
  return view.getUint32(0, true) === QUANTIZED_MAGIC || checkpointBytes(view) === size
}

/** Whether a file begins like a tokenizer of llama2.c: the longest length, then a score and a length that is not longer. */
function isTokenizer(head: ArrayBuffer): boolean {
  if (head.byteLength < HEADER_BYTES) return false
  const view = new DataView(head)
  const longest = view.getInt32(0, true)
  const [score, length] = [view.getFloat32(4, true), view.getInt32(8, true)]
  if (longest <= 0 || longest > 4096 || length < 0 || length > longest) return false
  return score === 0 || (Math.abs(score) > 1e-3 && Math.abs(score) < 1e7)
}

/** Reads a file of raw float32, which is one row. */
async function readRaw(file: File): Promise<Given> {
  if (file.size % 4 !== 0) {
    throw new Unusable('it has no whole float32 numbers; save the logits with numpy.save')
  }
  const logits = new Float32Array(await file.arrayBuffer())
  // Text and other formats, read as float32, almost always contain very large or very small numbers.
  const isWild = logits.some((logit) => !(logit < 1e30) || (logit !== 0 && Math.abs(logit) < 1e-30))
  if (isWild) throw new Unusable('it does not look like float32 logits; save them with numpy.save')
  return rowsOf(file.name, [logits])
}

const looksLikeText = (head: string) => !/(?!\s)[^ -\uffff]/.test(head)

async function read(file: File, limits: Limits): Promise<Taken> {
  if (file.size === 0) throw new Unusable('it is empty')
  const head = await file.slice(0, 1024).arrayBuffer()
  const start = String.fromCharCode(...new Uint8Array(head))
  if (isNpy(head)) return { rows: await readNpy(file) }
  const refusal = refusalOf(start)
  if (refusal) throw new Unusable(`it is ${refusal}`)
  if (isCheckpoint(head, file.size)) return { checkpoint: await file.arrayBuffer() }
  if (looksLikeText(start)) {
    // The server would refuse a row of this size. Text takes more bytes than a row.
    if (file.size > 2 * limits.max_body_bytes) {
      throw new Unusable(`it has ${file.size} bytes; this server takes ${limits.max_body_bytes}`)
    }
    return readText(file.name, await file.text())
  }
  if (isTokenizer(head)) return { tokenizer: await file.arrayBuffer() }
  if (file.size > limits.max_body_bytes) {
    throw new Unusable(`it has ${file.size} bytes; this server takes ${limits.max_body_bytes}`)
  }
  return { rows: await readRaw(file) }
}

/** Reads a file by its contents. */
export async function readFile(file: File, limits: Limits): Promise<Taken> {
  try {
    const taken = await read(file, limits)
    if ('rows' in taken && taken.rows.vocabSize > limits.max_vocab_size) {
      const { vocabSize } = taken.rows
      throw new Unusable(
        `its rows have ${vocabSize} numbers; this server takes ${limits.max_vocab_size}`,
      )
    }
    return taken
  } catch (error) {
    if (!(error instanceof Unusable || error instanceof BadNpy)) throw error
    const { message } = error
    throw new Unusable(`${shortName(file.name)}: ${message[0]!.toLowerCase()}${message.slice(1)}`)
  }
}

export function readPasted(text: string): Taken {
  return readText('Pasted', text)
}
