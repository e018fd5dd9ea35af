import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { SparseLogits } from '../client/index.ts'
import type { Batch, Dtype, Tensor } from '../client/rows.ts'
import { BadNpy, isNpy, readHeader } from '../playground/npy.ts'
import { widths } from '../tensors/dtypes.ts'
import { Failure, misuse } from './failure.ts'

/** Reads logits from a file: NumPy's .npy, JSON, or raw bytes. */

export interface Input {
  logits: Batch | SparseLogits
  /** The other fields of a request in JSON. */
  fields: Readonly<Record<string, unknown>>
}

const ofNumpy: Readonly<Record<string, Dtype>> = { f2: 'float16', f4: 'float32', f8: 'float64' }

async function readBytes(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file)
  } catch (error) {
    throw new Failure((error as Error).message)
  }
}

function fromNpy(bytes: ArrayBuffer): Batch {
  try {
    const { dtype, shape, start } = readHeader(bytes, bytes.byteLength)
    return { dtype: ofNumpy[dtype]!, shape, data: new Uint8Array(bytes, start) }
  } catch (error) {
    if (!(error instanceof BadNpy)) throw error
    throw new Failure(`cannot read the array. ${error.message}`)
  }
}

/** Parses a request of /v1/sample, or its logits alone. */
function fromJson(text: string): Input {
  let value: unknown
  try {
    value = JSON.parse(text, (_, item) => (item === '-Infinity' ? Number.NEGATIVE_INFINITY : item))
  } catch (error) {
    throw new Failure(`the file is not valid JSON: ${(error as Error).message}`)
  }
  if (Array.isArray(value)) return { logits: value as Batch, fields: {} }
  const { logits, ...fields } = value as { logits?: Batch | SparseLogits; fields: object }
  if (typeof logits !== 'object' || logits === null) throw new Failure('the JSON has no "logits"')
  const isTensor = 'data' in logits && typeof logits.data === 'string'
  if (!isTensor) return { logits, fields }
  const data = Buffer.from(String(logits.data), 'base64')
  return { logits: { ...(logits as Tensor), data }, fields }
}

const MARK = /^\u{feff}/u

/** Whether the text is UTF-16, as PowerShell writes it: with a byte order mark, or with a zero byte in each character. */
function isWide(bytes: Buffer): boolean {
  return /^(?:\xff\xfe|\xfe\xff|[[{]\0|\0[[{])/.test(bytes.toString('latin1', 0, 2))
}

/** Reads a file, or standard input for `-`. With `dtype`, the file is one row of raw bytes of this type. */
export async function readInput(file: string, dtype: string | undefined): Promise<Input> {
  if (dtype !== undefined && !Object.hasOwn(widths, dtype)) {
    throw misuse(`--dtype must be one of ${Object.keys(widths).join(', ')}`)
  }
  const read = await readBytes(file)
  if (dtype !== undefined) {
    const width = widths[dtype as Dtype]
    if (read.length === 0 || read.length % width !== 0) {
      throw new Failure(`${read.length} bytes are not a row of ${dtype}`)
    }
    const logits = { dtype: dtype as Dtype, shape: [read.length / width], data: read }
    return { logits, fields: {} }
  }
  if (isWide(read)) throw new Failure('the file is UTF-16; write JSON in UTF-8')
  const bytes = new Uint8Array(read).buffer
  if (isNpy(bytes)) return { logits: fromNpy(bytes), fields: {} }
  // Some shells begin a file with a byte order mark.
  const text = read.toString('utf8', 0, 64).replace(MARK, '')
  if (/^\s*[[{]/.test(text)) return fromJson(read.toString().replace(MARK, ''))
  throw new Failure(
    'the file is neither .npy nor JSON; for raw bytes, give their type with --dtype',
  )
}
