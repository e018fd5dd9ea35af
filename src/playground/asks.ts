import { post } from './api.ts'
import {
  type Answer,
  type EntropyCurve,
  type Model,
  type Raw,
  SHOWN,
  shownTokens,
} from './model.ts'
import { bodyText, logitsText, repeated } from './request.ts'
import { temperatureAt } from './scale.ts'
import type { Fields, ProbabilitiesAnswer, Row, SampleAnswer } from './types.ts'

/** The requests that the page sends. */

const textOf = new WeakMap<Row, string>()

/** The logits of a row as JSON, cached. */
export function textOfRow(row: Row): string {
  let text = textOf.get(row)
  if (text === undefined) {
    text = logitsText(row.logits)
    textOf.set(row, text)
  }
  return text
}

/** Asks for the distribution before all samplers. */
export async function askRaw(row: Row, signal: AbortSignal): Promise<Raw> {
  const body = bodyText(textOfRow(row), { top_logprobs: SHOWN, return_probabilities: 'none' })
  const { results } = await post<ProbabilitiesAnswer>('/v1/probabilities', body, signal)
  const { token_ids, logprobs } = results[0]!.top!
  const logTotal = row.logits[token_ids[0]!]! - logprobs[0]!
  return { ids: token_ids, logTotal }
}

export interface Question {
  readonly row: Row
  readonly fields: Fields
  /** Tokens for `watch_token_ids`. */
  readonly watched: readonly number[]
}

export function question(model: Model): Question {
  const watched = new Set(shownTokens(model))
  if (model.inspected !== undefined) watched.add(model.inspected)
  return { row: model.row, fields: model.fields, watched: [...watched] }
}

/** Sends the request on screen, with the reports that the page shows. */
export async function askAnswer(
  { row, fields, watched }: Question,
  signal: AbortSignal,
): Promise<Answer> {
  const shown = {
    top_logprobs: SHOWN,
    logprob_token_ids: watched,
    watch_token_ids: watched,
    trace: true,
    return_probabilities: 'none',
  }
  const body = bodyText(textOfRow(row), { ...fields, ...shown })
  const { results, warnings } = await post<SampleAnswer>('/v1/sample', body, signal)
  return { row, fields, result: results[0]!, warnings }
}

const copiesOf = new WeakMap<Row, { count: number; text: string }>()

function textOfCopies(row: Row, count: number): string {
  const known = copiesOf.get(row)
  if (known?.count === count) return known.text
  const text = repeated(row.logits, count)
  copiesOf.set(row, { count, text })
  return text
}

/** A row and the fields that variations change. */
export type Varied = Pick<Question, 'row' | 'fields'>

/** Asks for variations as rows of one batch. */
async function askVariations(
  { row, fields }: Varied,
  rows: readonly Fields[],
  signal: AbortSignal,
) {
  const settings = { ...fields, rows, return_probabilities: 'none' }
  const body = bodyText(textOfCopies(row, rows.length), settings)
  const { results } = await post<ProbabilitiesAnswer>('/v1/probabilities', body, signal)
  return results
}

/** The largest number of temperatures in a curve. */
const CURVE_POINTS = 61
/** A curve asks for at most `CURVE_LOGITS` logits in all, so long rows get fewer temperatures, but at least `FEWEST_POINTS`. */
const CURVE_LOGITS = 2 ** 21
const FEWEST_POINTS = 9

export async function askCurve(varied: Varied, signal: AbortSignal): Promise<EntropyCurve> {
  const affordable = Math.floor(CURVE_LOGITS / varied.row.logits.length)
  const points = Math.min(CURVE_POINTS, Math.max(FEWEST_POINTS, affordable))
  const temperatures = Array.from({ length: points }, (_, i) => temperatureAt(i / (points - 1)))
  const rows = temperatures.map((temperature) => ({ temperature }))
  const results = await askVariations(varied, rows, signal)
  return { temperatures, entropies: results.map(({ entropy }) => entropy) }
}

export async function askProfiles(
  { names, ...varied }: Varied & { names: readonly string[] },
  signal: AbortSignal,
): Promise<Model['compared']> {
  const rows = names.map((profile) => ({ profile }))
  const results = await askVariations(varied, rows, signal)
  return new Map(names.map((name, i) => [name, results[i]!]))
}
