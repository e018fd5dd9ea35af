import { problemAt } from '../../errors.ts'
import { contextFields, findMisfit, perRowFields } from '../../sampling/params.ts'
import { decodeLogits } from './logits.ts'
import type { ProbabilitiesRequest, SampleRequest } from './request.ts'
import type { DecodedRow } from './response.ts'

export interface DecodeOptions {
  maxVocabSize: number
  /** Asked at most once for a request, and only if a row has no seed. */
  drawSeed: () => bigint
}

/** The rows of a request for draws. */
export function decodeSample(request: SampleRequest, options: DecodeOptions): DecodedRow[] {
  return decodeRows(request, options).map(({ fields, ...row }) => {
    const { n, replacement } = fields as SampleRequest
    return { ...row, draw: { n, replacement } }
  })
}

/** The rows of a request for distributions alone. */
export function decodeProbabilities(
  request: ProbabilitiesRequest,
  options: DecodeOptions,
): DecodedRow[] {
  return decodeRows(request, options)
}

type Fields = Omit<ProbabilitiesRequest, 'logits' | 'rows'>

function decodeRows(request: ProbabilitiesRequest, options: DecodeOptions) {
  const { logits, rows, ...shared } = request
  const batch = decodeLogits(logits, options.maxVocabSize)
  if (rows && rows.length !== batch.rows) {
    const detail = `Expected ${batch.rows} objects, one for each row, got ${rows.length}`
    throw problemAt('INVALID_REQUEST', ['rows'], detail)
  }
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
