import { BadNpy, HEADER_ROOM, isNpy, readHeader, rowRange, toFloat32 } from './npy.ts'
import type { Vocabulary } from './types.ts'
import { NotAVocabulary, readVocabulary } from './vocabulary.ts'

/** Rows of logits from the user, one of which is shown. */
export interface Given {
  readonly name: string
  readonly rows: number
  readonly vocabSize: number
  row(index: number): Promise<Float32Array>
}

/** Input that cannot be read. The message is for the user. */
export class Unusable extends Error {}

/** Returns a row, or throws if it contains NaN or +∞. */
function check(logits: Float32Array, origin: string): Float32Array {
  const bad = logits.findIndex((logit) => !(logit < Number.POSITIVE_INFINITY))
  if (bad >= 0) {
    throw new Unusable(
      `${origin}: the number at index ${bad} is ${logits[bad]}; a logit is finite or −∞`,
    )
  }
  if (!logits.some((logit) => logit > Number.NEGATIVE_INFINITY)) {
    throw new Unusable(`${origin}: all its numbers are −∞, so no token is left to choose`)
  }
  return logits
}

/** Reads a row or a list of rows, and checks each number. */
function readList(name: string, value: unknown): Given {
  const isBatch = Array.isArray(value) && Array.isArray(value[0])
  const rows = (isBatch ? value : [value]) as unknown[]
  const decoded = rows.map((row, index) => {
    const where = isBatch ? `row ${index}, ` : ''
    if (!Array.isArray(row) || row.length === 0) {
      throw new Unusable(
        `${name}: expected a list of numbers, got ${JSON.stringify(row)?.slice(0, 40)}`,
      )
    }
    return Float32Array.from(row, (item, id) => {
      if (typeof item === 'number') return item
      if (item === '-Infinity') return Number.NEGATIVE_INFINITY
      const hint = item === null ? ', as which NaN and Infinity are often written' : ''
      throw new Unusable(
        `${name}: expected a number at ${where}index ${id}, got ${JSON.stringify(item).slice(0, 40)}${hint}`,
      )
    })
  })
  const vocabSize = decoded[0]!.length
  const odd = decoded.findIndex((row) => row.length !== vocabSize)
  if (odd >= 0) {
    throw new Unusable(
      `${name}: row ${odd} has ${decoded[odd]!.length} numbers, and row 0 has ${vocabSize}`,
    )
  }
  return {
    name,
    rows: decoded.length,
    vocabSize,
    row: async (index) => check(decoded[index]!, name),
  }
}

/** Reads pasted text. */
export function readPasted(text: string): Given {
  const name = 'Pasted logits'
  const written = text.trim()
  if (written === '') throw new Unusable('There is nothing to read: paste a JSON array of numbers')
  const value = parse(written, 'This is not a JSON array')
  // A whole request is accepted, too; only its logits are read.
  const { logits } = (value ?? {}) as { logits?: unknown }
  return readList(name, logits ?? value)
}

async function readNpy(file: File): Promise<Given> {
  const header = readHeader(await file.slice(0, HEADER_ROOM).arrayBuffer(), file.size)
  const { shape } = header
  if (shape.includes(0)) throw new BadNpy(`Its shape [${shape.join(', ')}] has no numbers`)
  return {
    name: file.name,
    rows: shape.length === 2 ? shape[0]! : 1,
    vocabSize: shape.at(-1)!,
    async row(index) {
      const bytes = await file.slice(...rowRange(header, index)).arrayBuffer()
      return check(toFloat32(header, bytes), file.name)
    },
  }
}

/** Reads a file of raw float32, which is one row. */
async function readRaw(file: File): Promise<Given> {
  if (file.size % 4 !== 0) {
    throw new Unusable(
      `${file.name} has ${file.size} bytes, which are not whole float32 numbers of four bytes each, and is neither .npy nor JSON`,
    )
  }
  const logits = new Float32Array(await file.arrayBuffer())
  // Text and other formats, read as float32, almost always contain very large or very small numbers.
  const wild = logits.findIndex(
    (logit) => !(logit < 1e30) || (logit !== 0 && Math.abs(logit) < 1e-30),
  )
  if (wild >= 0) {
    throw new Unusable(
      `${file.name} does not look like raw float32 logits: as such, the number at index ${wild} is ${logits[wild]}. Save it with numpy.save, or as a JSON array`,
    )
  }
  return {
    name: file.name,
    rows: 1,
    vocabSize: logits.length,
    row: async () => check(logits, file.name),
  }
}

const looksLikeText = (head: string) => !/(?!\s)[^ -\uffff]/.test(head)

/** Whether the start of a file looks like words (an object, a list of texts, or lines) and not like numbers. */
const looksLikeWords = (head: string) => !/^\s*\[\s*(?:\[\s*)?(?:-?\d|"-Infinity"|null)/.test(head)

export interface Limits {
  readonly max_body_bytes: number
  readonly max_vocab_size: number
}

/** Reads a file as logits or as words, by its contents. */
export async function readFile(file: File, limits: Limits): Promise<Given | Vocabulary> {
  if (file.size === 0) throw new Unusable(`${file.name} is empty`)
  const head = await file.slice(0, 1024).arrayBuffer()
  const text = new TextDecoder('latin1').decode(head)
  try {
    if (isNpy(head)) return checkSize(await readNpy(file), limits)
    // The server would refuse a row of this size. Text takes more bytes than a row.
    if (file.size > 2 * limits.max_body_bytes) {
      throw new Unusable(
        `${file.name} is too large: this server takes ${limits.max_body_bytes} bytes`,
      )
    }
    if (!looksLikeText(text)) return checkSize(await readRaw(file), limits)
    const whole = await file.text()
    if (looksLikeWords(text)) return readVocabulary(file.name, whole)
    return checkSize(readList(file.name, parse(whole, `${file.name} is not valid JSON`)), limits)
  } catch (error) {
    if (error instanceof BadNpy || error instanceof NotAVocabulary) {
      throw new Unusable(`${file.name} cannot be used. ${error.message}.`)
    }
    throw error
  }
}

function parse(text: string, complaint: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Unusable(`${complaint}: ${(error as Error).message}`)
  }
}

function checkSize(given: Given, { max_vocab_size }: Limits): Given {
  if (given.vocabSize <= max_vocab_size) return given
  throw new Unusable(
    `${given.name} has rows of ${given.vocabSize} numbers, and this server takes ${max_vocab_size}`,
  )
}
