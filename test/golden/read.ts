import { readFileSync } from 'node:fs'

/** An engine's answer to one row, with its parameters. */
export interface GoldenCase {
  id: string
  input: {
    file: string
    row: number
    /** The tokens before the row: those of a prompt of the file, up to `upto` inclusive. */
    context?: { prompt: number; upto: number; n_prompt_tokens: number }
  }
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
    draws?: number[]
    u?: number[]
    array_order?: 'id' | number[]
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

export interface GoldenStep {
  row: number
  kept_count: number
  kept?: number[] | 'all'
  selected: number
  p_selected: number
  top_p?: [id: number, probability: number][]
  mu_before?: number
  mu_after?: number
  weighted_sum_before?: number
  total_weight_before?: number
}

/** The steps of an engine, each from a given state. */
export interface GoldenSteps {
  id: string
  input: GoldenCase['input']
  params: Record<string, number>
  steps: GoldenStep[]
}

export function readSteps(name: string): GoldenSteps[] {
  const cases = JSON.parse(readFileSync(new URL(`cases/${name}.json`, here), 'utf8'))
  return cases.map(({ result, ...rest }: { result: Pick<GoldenSteps, 'steps'> }) => ({
    ...rest,
    steps: result.steps,
  }))
}

const cache = new Map<string, Rows>()

/** Rows of logits, real ones and edge cases: NPY version 1, float32, [rows, V]. */
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

interface Meta {
  prompts: { tokens: number[] }[]
}

/** The tokens given and generated before a row; none if the case has no context. */
export function readHistory({ file, context }: GoldenCase['input']) {
  if (!context) return { prompt: [], output: [] }
  const { prompts }: Meta = JSON.parse(
    readFileSync(new URL(`inputs/${file}.meta.json`, here), 'utf8'),
  )
  const tokens = prompts[context.prompt]!.tokens.slice(0, context.upto + 1)
  const split = context.n_prompt_tokens
  return { prompt: tokens.slice(0, split), output: tokens.slice(split) }
}

export function readRow({ file, row }: GoldenCase['input']): Float32Array {
  return readRows(file).rows[row]!
}
