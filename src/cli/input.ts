import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Batch, Dtype } from '../client/logits.ts'
import { BadNpy, isNpy, readHeader } from '../playground/npy.ts'
import { Failure, misuse } from './failure.ts'

/** Logits from a file: NumPy's .npy, JSON, or bytes and nothing else. */

/** Bytes of an element, by type. */
export const widths: Readonly<Record<Dtype, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
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

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number')

function fromJson(text: string): Batch {
  try {
    const value: unknown = JSON.parse(text, (_, item) =>
      item === '-Infinity' ? Number.NEGATIVE_INFINITY : item,
    )
    const logits = Array.isArray(value) ? value : (value as { logits?: unknown })?.logits
    if (isNumbers(logits) || (Array.isArray(logits) && logits.every(isNumbers))) return logits
  } catch {}
  throw new Failure(
    'the JSON is no list of numbers, no list of such lists, nor has it one as "logits"',
  )
}

/** What is in a file, or at standard input for `-`. Of what has no header, `dtype` says what it is: one row. */
export async function readLogits(file: string, dtype: string | undefined): Promise<Batch> {
  if (dtype !== undefined && !Object.hasOwn(widths, dtype)) {
    throw misuse(`--dtype is one of ${Object.keys(widths).join(', ')}`)
  }
  const read = await readBytes(file)
  if (dtype !== undefined) {
    const width = widths[dtype as Dtype]
    if (read.length === 0 || read.length % width !== 0) {
      throw new Failure(`${read.length} bytes are no row of ${dtype}`)
    }
    return { dtype: dtype as Dtype, shape: [read.length / width], data: read }
  }
  const bytes = new Uint8Array(read).buffer
  if (isNpy(bytes)) return fromNpy(bytes)
  if (/^\s*[[{]/.test(read.toString('latin1', 0, 64))) return fromJson(read.toString())
  throw new Failure('the file is neither .npy nor JSON; for bytes alone --dtype says of what')
}
