import type * as z from 'zod'
import { Problem, problemAt } from '../../errors.ts'
import { describeValue } from '../../sampling/fields.ts'
import { contextFields, findMisfit, perRowFields } from '../../sampling/params.ts'
import { validate } from '../validate.ts'
import { decodeLogits } from './logits.ts'
import {
  type ProbabilitiesRequest,
  ProbabilitiesRow,
  type SampleRequest,
  SampleRow,
} from './request.ts'
import { countProbabilities, type DecodedRow } from './response.ts'

export interface DecodeOptions {
  maxVocabSize: number
  maxRows: number
  /** Asked at most once for a request, and only if a row has no seed. */
  drawSeed: () => bigint
}

/** The rows of a request for draws. */
export function decodeSample(request: SampleRequest, options: DecodeOptions): DecodedRow[] {
  const rows = decodeRows(request, SampleRow, options).map(({ fields, ...row }) => {
    const { n, replacement } = fields as SampleRequest
    return { ...row, draw: { n, replacement } }
  })
  checkWork(rows)
  return rows
}

/** The rows of a request for distributions alone. */
export function decodeProbabilities(
  request: ProbabilitiesRequest,
  options: DecodeOptions,
): DecodedRow[] {
  const rows = decodeRows(request, ProbabilitiesRow, options)
  checkWork(rows)
  return rows
}

/** What rows ask for together: each alone is within its fields’ limits. */
function checkWork(rows: DecodedRow[]): void {
  checkHistories(rows)
  checkAnswer(rows)
}

/** A hundred rows with a context of a hundred thousand tokens each, and then some. */
const MAX_HISTORY_TOKENS = 2 ** 24

/** A history that rows share is gone through for each of them. */
function checkHistories(rows: DecodedRow[]): void {
  const tokens = rows.reduce((sum, { prompt, output }) => sum + prompt.length + output.length, 0)
  if (tokens <= MAX_HISTORY_TOKENS) return
  const detail = `The rows have ${tokens} tokens of history, and the limit is ${MAX_HISTORY_TOKENS}`
  throw new Problem('HISTORY_TOO_LARGE', detail)
}

/** As JSON some twenty bytes each: a text of V8's holds three times as many. */
const MAX_ANSWER_NUMBERS = 2 ** 23

function checkAnswer(rows: DecodedRow[]): void {
  let numbers = 0
  for (const { draw, params, answer, logits } of rows) {
    numbers += 2 * (draw?.n ?? 0) + 3 * Math.min(params.top_logprobs, logits.length)
    numbers += countProbabilities(answer, logits.length)
  }
  if (numbers <= MAX_ANSWER_NUMBERS) return
  const detail = `The answer would have up to ${numbers} numbers, and the limit is ${MAX_ANSWER_NUMBERS}`
  throw new Problem('ANSWER_TOO_LARGE', detail)
}

type Fields = Omit<ProbabilitiesRequest, 'logits' | 'rows'>

function decodeRows(request: ProbabilitiesRequest, Row: z.ZodType, options: DecodeOptions) {
  const { logits, rows: overrides, ...shared } = request
  const batch = decodeLogits(logits, options)
  const rows = overrides === undefined ? undefined : parseRows(overrides, Row, batch.rows)
  checkVocabulary(shared, batch.vocabSize, [])
  const lists = splitByRow(shared, batch.rows, [])
  let drawnSeed: bigint | undefined
  return Array.from({ length: batch.rows }, (_, index) => {
    const own = rows?.[index] as Partial<Fields> | undefined
    if (own) checkVocabulary(own, batch.vocabSize, ['rows', index])
    const split = lists.map(([name, values]) => [name, values[index]])
    const ownSplit = own
      ? splitByRow(own, 1, ['rows', index]).map(([name, values]) => [name, values[0]])
      : []
    // Rows that differ in nothing that samplers bind share their parameters, and so their plan.
    const differs = own || lists.some(([name]) => !(name in contextFields))
    const fields = { ...shared, ...own, ...Object.fromEntries([...split, ...ownSplit]) } as Fields
    const { seed, stream, step } = fields
    if (seed === undefined) drawnSeed ??= options.drawSeed()
    const start = index * batch.vocabSize
    return {
      logits: batch.values.subarray(start, start + batch.vocabSize),
      path: batch.pathOf(index),
      params: differs ? fields : shared,
      prompt: fields.prompt_token_ids as Uint32Array,
      output: fields.output_token_ids as Uint32Array,
      stop: fields.stop_token_ids,
      state: (fields.state ?? {}) as Record<string, number>,
      address: { seed: seed ?? drawnSeed!, stream: stream ?? BigInt(index), step },
      answer: fields,
      fields,
    }
  })
}

/** Only as many objects as there are rows are worth a look inside. */
function parseRows(overrides: unknown, Row: z.ZodType, rows: number): unknown[] {
  if (!Array.isArray(overrides) || overrides.length !== rows) {
    const got = Array.isArray(overrides) ? overrides.length : describeValue(overrides)
    const detail = `Expected ${rows} objects, one for each row, got ${got}`
    throw problemAt('INVALID_REQUEST', ['rows'], detail)
  }
  return overrides.map((override, index) => validate(Row, override, ['rows', index]))
}

/** The fields given as a value for each row, and those values. */
function splitByRow(fields: Partial<Fields>, rows: number, path: PropertyKey[]) {
  return perRowFields.flatMap(({ field, split }): [string, unknown[]][] => {
    const value = fields[field as keyof Fields]
    if (value === undefined) return []
    const values = split(value, rows)
    if (values.length === rows) return [[field, values]]
    const detail = `Expected ${rows} lists, one for each row, got ${values.length}`
    throw problemAt('INVALID_REQUEST', [...path, field], detail)
  })
}

function checkVocabulary(fields: Partial<Fields>, vocabSize: number, path: PropertyKey[]) {
  const misfit = findMisfit(fields, vocabSize)
  if (!misfit) return
  const { code = 'TOKEN_ID_OUT_OF_RANGE', detail } = misfit
  throw problemAt(code, [...path, ...misfit.path], detail)
}
