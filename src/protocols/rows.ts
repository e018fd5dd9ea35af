import { Problem, problemAt } from '../errors.ts'
import { type BatchLimits, findExcess } from '../sampling/batch.ts'
import { contextFields, findMisfit, perRowFields } from '../sampling/params.ts'
import { describeValue, isList, itemsOf } from '../sampling/parsed.ts'
import type { RowRequest } from '../sampling/pipeline.ts'
import type { Warning } from '../sampling/sampler.ts'
import {
  type Answer,
  countProbabilities,
  type Operation,
  returnedOf,
  type SamplingRequest,
} from './request.ts'
import type { Steps } from './steps.ts'
import { validate } from './validate.ts'

export interface DecodeOptions extends BatchLimits {
  /** Asked at most once for a request, and only if a row has no seed. */
  drawSeed: () => bigint
}

/** A row to work on, and how to answer it. */
export interface DecodedRow extends RowRequest {
  readonly vocabSize: number
  readonly answer: Answer
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
  for (const { draw, params, answer, vocabSize } of rows) {
    numbers += 2 * (draw?.n ?? 0) + 3 * Math.min(params.top_logprobs, vocabSize)
    numbers += countProbabilities(answer, vocabSize)
  }
  if (numbers <= MAX_ANSWER_NUMBERS) return
  const detail = `The answer would have up to ${numbers} numbers, and the limit is ${MAX_ANSWER_NUMBERS}`
  throw new Problem('ANSWER_TOO_LARGE', detail)
}

function answerWarnings({ return_probabilities, encoding }: Answer): Warning[] {
  if (return_probabilities !== 'kept' || encoding !== 'base64') return []
  const message = 'encoding base64 has no effect: `kept` probabilities are always written as JSON'
  return [{ code: 'PARAMETER_WITHOUT_EFFECT', message }]
}

type Fields = Omit<SamplingRequest, 'logits' | 'rows'>

/** The rows of a request, each with parameters of its own. */
export function* decodeRows(
  shared: SamplingRequest,
  { Row }: Operation,
  options: DecodeOptions,
): Steps<DecodedRow[]> {
  const { logits: batch, rows: overrides } = shared
  const { vocabSize } = batch
  const count = batch.rows.length
  const excess = findExcess(batch, options)
  if (excess) throw problemAt(excess.code, ['logits'], excess.detail)
  const given = overrides === undefined ? undefined : checkOverrides(overrides, count)
  checkVocabulary(shared, vocabSize, [])
  const lists = splitByRow(shared, count, [])
  let drawnSeed: bigint | undefined
  const rows: DecodedRow[] = []
  for (const [index, logits] of batch.rows.entries()) {
    const path = ['rows', index]
    const own = given && (validate(Row, given[index], path) as Partial<Fields>)
    if (own) checkVocabulary(own, vocabSize, path)
    const split = lists.map(([name, values]) => [name, values[index]])
    const ownSplit = own ? splitByRow(own, 1, path).map(([name, values]) => [name, values[0]]) : []
    // Rows that differ in nothing that samplers bind share their parameters, and so their plan.
    const differs = own || lists.some(([name]) => !(name in contextFields))
    const ofRow = { ...own, ...Object.fromEntries([...split, ...ownSplit]) } as Partial<Fields>
    const fields = differs ? { ...shared, ...ofRow } : shared
    const { seed, stream, step, n, replacement } = fields
    if (seed === undefined) drawnSeed ??= options.drawSeed()
    // A row that has a seed of its own means that seed, wherever in the batch it is.
    const ownStream = own?.seed === undefined ? BigInt(index) : 0n
    rows.push({
      logits,
      vocabSize,
      pathOf: (id) => ['logits', ...batch.pathOf(index, id)],
      tokenPathOf(part, token) {
        const field = `${part}_token_ids` as const
        if (own?.[field] !== undefined) return [...path, field, token]
        return Array.isArray(shared[field]) ? [field, index, token] : [field, token]
      },
      params: fields,
      prompt: ofRow.prompt_token_ids as Uint32Array,
      output: ofRow.output_token_ids as Uint32Array,
      stop: fields.stop_token_ids,
      state: (fields.state ?? {}) as Record<string, number>,
      address: { seed: seed ?? drawnSeed!, stream: stream ?? ownStream, step },
      answer: fields,
      warnings: answerWarnings(fields),
      isAddressed: seed !== undefined || stream !== undefined || step > 0n,
      reportsAll: returnedOf(fields, vocabSize) !== 'none',
      ...(n !== undefined && { draw: { n, replacement: replacement! } }),
    })
    if (given) yield undefined
  }
  checkHistories(rows)
  checkAnswer(rows)
  return rows
}

/** Only as many objects as there are rows are worth a look inside. */
function checkOverrides(overrides: unknown, rows: number): unknown[] {
  if (isList(overrides) && overrides.length === rows) return itemsOf(overrides)
  const got = isList(overrides) ? overrides.length : describeValue(overrides)
  const detail = `Expected ${rows} objects, one for each row, got ${got}`
  throw problemAt('INVALID_REQUEST', ['rows'], detail)
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
