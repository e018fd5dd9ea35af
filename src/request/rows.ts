import type { Pausing } from '../algorithms/pausing.ts'
import { problemAt } from '../errors.ts'
import { findExcess } from '../fields/batch.ts'
import { describeValue, isList, itemsOf } from '../fields/parsed.ts'
import { contextFields, findMisfit, perRowFields } from '../sampling/params.ts'
import { planner } from '../sampling/plan.ts'
import type { Warning } from '../warning.ts'
import { checkLimits } from './limits.ts'
import {
  type AnswerForm,
  type Operation,
  returnedOf,
  type SamplingFields,
  type SamplingRequest,
} from './operations.ts'
import type { ReportOf, RequestRow, RowOptions } from './request-row.ts'
import { validate } from './validate.ts'

function answerWarnings({ return_probabilities, encoding }: AnswerForm): Warning[] {
  if (return_probabilities !== 'kept' || encoding !== 'base64') return []
  const message = 'encoding base64 has no effect: `kept` probabilities are always written as JSON'
  return [{ code: 'PARAMETER_WITHOUT_EFFECT', message }]
}

/** The rows of a request, each with its parameters. */
export function* toRows(
  shared: SamplingRequest,
  { Row }: Operation,
  options: RowOptions,
  reportOf: ReportOf,
): Pausing<RequestRow[]> {
  const { logits: batch, rows: overrides } = shared
  const { vocabSize } = batch
  const count = batch.rows.length
  const excess = findExcess(batch, options)
  if (excess) throw problemAt(excess.code, ['logits'], excess.detail)
  const given = overrides === undefined ? undefined : checkOverrides(overrides, count)
  checkVocabulary(shared, vocabSize, [])
  const lists = splitByRow(shared, count, [])
  let drawnSeed: bigint | undefined
  const planOf = planner()
  const rows: RequestRow[] = []
  for (const [index, logits] of batch.rows.entries()) {
    const path = ['rows', index]
    const own = given && validate(Row, given[index], path)
    if (own) checkVocabulary(own, vocabSize, path)
    const ofRow: Record<string, unknown> & Partial<SamplingFields> = { ...own }
    for (const [name, values] of lists) ofRow[name] = values[index]
    if (own) for (const [name, values] of splitByRow(own, 1, path)) ofRow[name] = values[0]
    // Rows that differ only in their histories share one object of parameters, and so one plan.
    const differs = own || lists.some(([name]) => !(name in contextFields))
    const fields: SamplingRequest = differs ? { ...shared, ...ofRow } : shared
    const { seed, stream, step, n, replacement } = fields
    if (seed === undefined) drawnSeed ??= options.drawSeed()
    // A row with its own seed gets the same tokens wherever it is in a batch, so its stream is 0.
    const ownStream = own?.seed === undefined ? BigInt(index) : 0n
    rows.push({
      logits,
      vocabSize,
      pathOf: (id) => ['logits', ...batch.pathOf(index, id)],
      fieldPathOf: (name) =>
        own?.[name as keyof SamplingFields] === undefined ? [name] : [...path, name],
      tokenPathOf(part, token) {
        const field = `${part}_token_ids` as const
        if (own?.[field] !== undefined) return [...path, field, token]
        return Array.isArray(shared[field]) ? [field, index, token] : [field, token]
      },
      params: fields,
      plan: planOf(fields),
      prompt: ofRow.prompt_token_ids as Uint32Array,
      output: ofRow.output_token_ids as Uint32Array,
      stop: fields.stop_token_ids,
      state: (fields.state ?? {}) as Record<string, number>,
      address: { seed: seed ?? drawnSeed!, stream: stream ?? ownStream, step },
      answer: fields,
      warnings: answerWarnings(fields),
      isAddressed: seed !== undefined || stream !== undefined || step > 0n,
      report: {
        isExact: returnedOf(fields, vocabSize) !== 'none',
        ...reportOf(fields, vocabSize),
      },
      ...(n !== undefined && { draw: { n, replacement: replacement! } }),
    })
    if (given) yield undefined
  }
  checkLimits(rows, options)
  return rows
}

/** The items of `rows`. There must be one for each row. */
function checkOverrides(overrides: unknown, rows: number): unknown[] {
  if (isList(overrides) && overrides.length === rows) return itemsOf(overrides)
  const got = isList(overrides) ? overrides.length : describeValue(overrides)
  const detail = `Expected ${rows} objects, one for each row, got ${got}`
  throw problemAt('INVALID_REQUEST', ['rows'], detail)
}

/** The fields that may have a value for each row, with these values. */
function splitByRow(fields: Partial<SamplingFields>, rows: number, path: PropertyKey[]) {
  const lists: [name: string, values: unknown[]][] = []
  for (const { field, split } of perRowFields) {
    const value = fields[field as keyof SamplingFields]
    if (value === undefined) continue
    const values = split(value, rows)
    if (values.length !== rows) {
      const detail = `Expected ${rows} lists, one for each row, got ${values.length}`
      throw problemAt('INVALID_REQUEST', [...path, field], detail)
    }
    lists.push([field, values])
  }
  return lists
}

function checkVocabulary(fields: Partial<SamplingFields>, vocabSize: number, path: PropertyKey[]) {
  const misfit = findMisfit(fields, vocabSize)
  if (!misfit) return
  const { code = 'TOKEN_ID_OUT_OF_RANGE', detail } = misfit
  throw problemAt(code, [...path, ...misfit.path], detail)
}
