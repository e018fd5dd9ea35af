import { readFileSync } from 'node:fs'

/** What an engine answered to one row, with what it was asked. */
export interface GoldenCase {
  id: string
  input: { file: string; row: number }
  params: Record<string, unknown>
  result: {
    kept_count: number
    kept?: number[] | 'all'
    kept_sha256?: string
    top: [id: number, probability: number][]
    entropy: number
    tie_at_cut?: boolean
    f32_kept_differs?: { kept_count: number; kept?: number[] | 'all'; kept_sha256?: string }
    selected?: number
  }
}

const here = new URL('.', import.meta.url)

export function readCases(name: string): GoldenCase[] {
  return JSON.parse(readFileSync(new URL(`cases/${name}.json`, here), 'utf8'))
}

export interface Rows {
  vocabSize: number
  rows: Float32Array[]
}

const cache = new Map<string, Rows>()

/** Real and hard rows of logits: NPY version 1, float32, [rows, V]. */
export function readRows(name: string): Rows {
  const known = cache.get(name)
  if (known) return known
  const bytes = readFileSync(new URL(`inputs/${name}.npy`, here))
  const headerLength = bytes.readUInt16LE(8)
  const header = bytes.subarray(10, 10 + headerLength).toString('latin1')
  const [, rows, vocabSize] = /'shape': \((\d+), (\d+)\)/.exec(header)!.map(Number) as number[]
  const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset + 10 + headerLength))
  const read = {
    vocabSize: vocabSize!,
    rows: Array.from({ length: rows! }, (_, i) =>
      values.subarray(i * vocabSize!, (i + 1) * vocabSize!),
    ),
  }
  cache.set(name, read)
  return read
}

export function readRow({ file, row }: GoldenCase['input']): Float32Array {
  return readRows(file).rows[row]!
}
