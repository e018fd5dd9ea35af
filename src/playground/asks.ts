import { post } from './api.ts'
import { type EntropyCurve, type Model, settingsOf } from './model.ts'
import { rawOf, SHOWN } from './raw.ts'
import { bodyText, rowsText, textOfCopies, textOfRow } from './request.ts'
import { temperatureAt } from './scale.ts'
import { type Answer, type Scene, takenAt } from './scene.ts'
import { type Column, contextOfNext, type Tale } from './tale.ts'
import type { Fields, ProbabilitiesAnswer, Result, Row, SampleAnswer } from './types.ts'

/** The requests that the page sends. */

export interface Question {
  readonly row: Row
  readonly fields: Fields
  readonly context: Fields
  readonly at: Scene['at']
  readonly vocabulary: Scene['vocabulary']
  /** Tokens for `watch_token_ids`. */
  readonly watched: readonly number[]
}

export function question(model: Model, scene: Scene): Question | undefined {
  const { row, context, at, vocabulary, inspected, answer } = scene
  if (!row) return undefined
  const watched = new Set([...rawOf(row).ids, ...(answer?.row === row ? topOf(answer) : [])])
  if (inspected !== undefined) watched.add(inspected)
  const taken = takenAt(scene, at)
  if (taken !== undefined) watched.add(taken)
  return { row, fields: settingsOf(model, scene), context, at, vocabulary, watched: [...watched] }
}

const topOf = ({ result }: Answer): readonly number[] => result.top?.token_ids ?? []

/** Asks about the row of a scene, with the reports that the page shows. */
export async function askAnswer(asked: Question, signal: AbortSignal): Promise<Answer> {
  const { row, fields, context, at, vocabulary, watched } = asked
  const reports = {
    top_logprobs: SHOWN,
    logprob_token_ids: watched,
    watch_token_ids: watched,
    trace: true,
    return_probabilities: 'none',
  }
  const body = bodyText(textOfRow(row), { ...fields, ...context, ...reports })
  const { results, warnings } = await post<SampleAnswer>('/v1/sample', body, signal)
  return { row, fields, at, vocabulary, result: results[0]!, warnings }
}

/** Asks for the next token of each column, in one batch with a temperature for each row. */
export async function askNext(
  { fields, textSeed }: Model,
  tale: Tale,
  columns: readonly Column[],
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<Result[]> {
  const { n: _, replacement: __, ...settings } = fields
  const each = columns.map((column) => ({
    ...contextOfNext(column),
    temperature: column.temperature,
    // The same random numbers for all columns, so that only the temperature differs.
    stream: '0',
  }))
  const body = bodyText(rowsText(rows), {
    ...settings,
    seed: textSeed,
    prompt_token_ids: tale.promptIds,
    rows: each,
    return_probabilities: 'none',
  })
  return (await post<SampleAnswer>('/v1/sample', body, signal)).results
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
