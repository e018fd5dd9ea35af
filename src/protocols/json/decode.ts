import { problemAt } from '../../errors.ts'
import { findMisfit, type RowParams } from '../../sampling/params.ts'
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
  let drawnSeed: bigint | undefined
  return decodeRows(request, options).map(({ params, ...row }, index) => {
    const { n, replacement, seed, stream, step } = params
    if (seed === undefined) drawnSeed ??= options.drawSeed()
    const address = { seed: seed ?? drawnSeed!, stream: stream ?? BigInt(index), step }
    return { ...row, params, answer: params, draw: { n, replacement, ...address } }
  })
}

/** The rows of a request for distributions alone. */
export function decodeProbabilities(
  request: ProbabilitiesRequest,
  options: Pick<DecodeOptions, 'maxVocabSize'>,
): DecodedRow[] {
  return decodeRows(request, options).map((row) => ({ ...row, answer: row.params }))
}

function decodeRows<Request extends ProbabilitiesRequest>(
  { logits, rows, ...shared }: Request,
  { maxVocabSize }: Pick<DecodeOptions, 'maxVocabSize'>,
) {
  const batch = decodeLogits(logits, maxVocabSize)
  if (rows && rows.length !== batch.rows) {
    const detail = `Expected ${batch.rows} objects, one for each row, got ${rows.length}`
    throw problemAt('INVALID_REQUEST', ['rows'], detail)
  }
  checkVocabulary(shared as Partial<RowParams>, batch.vocabSize, [])
  return Array.from({ length: batch.rows }, (_, index) => {
    const own = rows?.[index] as Partial<RowParams> | undefined
    if (own) checkVocabulary(own, batch.vocabSize, ['rows', index])
    const start = index * batch.vocabSize
    return {
      path: batch.pathOf(index),
      logits: batch.values.subarray(start, start + batch.vocabSize),
      params: own ? { ...shared, ...own } : shared,
    }
  })
}

function checkVocabulary(params: Partial<RowParams>, vocabSize: number, path: PropertyKey[]) {
  const misfit = findMisfit(params, vocabSize)
  if (!misfit) return
  throw problemAt('TOKEN_ID_OUT_OF_RANGE', [...path, ...misfit.path], misfit.detail)
}
