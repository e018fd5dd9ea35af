import { problemAt } from '../errors.ts'
import { costAlike, costsOf } from '../sampling/cost.ts'
import { fieldOf } from '../sampling/plan.ts'
import { countProbabilities } from './operations.ts'
import type { RequestRow } from './request-row.ts'

/** What the rows of a request come to, checked before any of them is worked on. */

/** A hundred rows with a context of a hundred thousand tokens each, and then some. */
const MAX_HISTORY_TOKENS = 2 ** 24

/** As JSON some twenty bytes each: a text of V8's holds three times as many. */
const MAX_ANSWER_NUMBERS = 2 ** 23

/** The lists of a row are there as a whole. No model has a larger vocabulary. */
const MAX_REPORTED = 2 ** 18

/** In numbers of an answer: a step of a trace, and a watched token with its sampler's name. */
const STEP_NUMBERS = 12
const WATCHED_NUMBERS = 3

export function checkLimits(rows: readonly RequestRow[], { maxWork }: { maxWork: number }): void {
  checkHistories(rows)
  checkReports(rows)
  checkAnswer(rows)
  checkWork(rows, maxWork)
}

/** A history that rows share is gone through for each of them. */
function checkHistories(rows: readonly RequestRow[]): void {
  const use = new Use()
  for (const row of rows) {
    use.add(row, [
      { name: 'prompt_token_ids', amount: row.prompt.length },
      { name: 'output_token_ids', amount: row.output.length },
    ])
  }
  if (use.total <= MAX_HISTORY_TOKENS) return
  const { path, field, amount } = use.most()
  const detail =
    `The rows have ${use.total} tokens of history, and the limit is ${MAX_HISTORY_TOKENS}; ` +
    `${field} has ${amount} of them`
  throw problemAt('HISTORY_TOO_LARGE', path, detail)
}

/** What a row takes of a bound, field by field. */
export type Amounts = readonly { readonly name: string; readonly amount: number }[]

/** How many numbers of an answer a row takes at most. */
export function answerAmounts({ draw, params, plan, answer, vocabSize }: RequestRow): Amounts {
  const steps = params.trace ? plan!.steps.length : 0
  const watched = params.watch_token_ids.length
  const dropped = params.trace ? watched : 0
  return [
    { name: 'n', amount: 2 * (draw?.n ?? 0) },
    { name: 'top_logprobs', amount: 3 * Math.min(params.top_logprobs, vocabSize) },
    { name: 'logprob_token_ids', amount: 3 * params.logprob_token_ids.length },
    { name: 'watch_token_ids', amount: WATCHED_NUMBERS * watched + dropped },
    { name: 'trace', amount: STEP_NUMBERS * steps },
    { name: 'return_probabilities', amount: countProbabilities(answer, vocabSize) },
  ]
}

/** Refuse rows whose answer would have too many numbers; texts and objects count as several. */
export function checkAnswer(
  rows: readonly RequestRow[],
  amountsOf: (row: RequestRow) => Amounts = answerAmounts,
): void {
  const use = new Use()
  use.addAll(rows, amountsOf, (a, b) => a.params === b.params)
  if (use.total <= MAX_ANSWER_NUMBERS) return
  const { path, field, amount } = use.most()
  const detail =
    `The answer would have up to ${use.total} numbers, and the limit is ${MAX_ANSWER_NUMBERS}; ` +
    `${field} takes ${amount} of them`
  throw problemAt('ANSWER_TOO_LARGE', path, detail)
}

/** Refuse rows that would report more tokens than any model has. */
function checkReports(rows: readonly RequestRow[]): void {
  for (const { params, vocabSize, fieldPathOf } of rows) {
    const amounts = {
      top_logprobs: Math.min(params.top_logprobs, vocabSize),
      logprob_token_ids: params.logprob_token_ids.length,
      watch_token_ids: params.watch_token_ids.length,
    }
    for (const [field, amount] of Object.entries(amounts)) {
      if (amount <= MAX_REPORTED) continue
      const detail = `The answer would report ${amount} tokens of a row, and the limit is ${MAX_REPORTED}`
      throw problemAt('ANSWER_TOO_LARGE', fieldPathOf(field), detail)
    }
  }
}

/** Refuse rows that would keep the server busy for too long. */
function checkWork(rows: readonly RequestRow[], maxWork: number): void {
  const use = new Use()
  use.addAll(rows, costsOf, costAlike)
  if (use.total <= maxWork) return
  const { path, field, amount } = use.most()
  const tokens = rows.reduce((sum, { prompt, output }) => sum + prompt.length + output.length, 0)
  const what = `${rows.length} rows of ${rows[0]!.vocabSize} entries and ${tokens} tokens of history`
  const detail =
    `${what} would take about ${shown(use.total)} steps, ` +
    `and the limit is ${shown(maxWork)} (MAX_WORK); ${field} takes ${shown(amount)} of them`
  throw problemAt('WORK_TOO_LARGE', path, detail)
}

const shown = (steps: number) => Number(steps.toPrecision(2)).toExponential().replace('+', '')

/** What rows take of a bound together, and which field takes most of it. */
class Use {
  total = 0
  readonly #byName = new Map<string, { amount: number; largest: number; row: RequestRow }>()

  add(row: RequestRow, amounts: Amounts): void {
    for (const { name, amount } of amounts) {
      if (amount === 0) continue
      this.total += amount
      const known = this.#byName.get(name)
      if (!known) {
        this.#byName.set(name, { amount, largest: amount, row })
        continue
      }
      known.amount += amount
      if (amount <= known.largest) continue
      known.largest = amount
      known.row = row
    }
  }

  /** All rows; of those that are alike, one after the other, only the first is looked at. */
  addAll(
    rows: readonly RequestRow[],
    amountsOf: (row: RequestRow) => Amounts,
    areAlike: (a: RequestRow, b: RequestRow) => boolean,
  ): void {
    let last: RequestRow | undefined
    let amounts: Amounts = []
    for (const row of rows) {
      if (!last || !areAlike(last, row)) amounts = amountsOf(row)
      this.add(row, amounts)
      last = row
    }
  }

  /** The field that takes most, and where it is: of the row that takes most of it. */
  most() {
    const [name, { amount, row }] = [...this.#byName].reduce((a, b) =>
      b[1].amount > a[1].amount ? b : a,
    )
    const field = fieldOf(name, row.params)
    return { field, amount, path: row.fieldPathOf(field) }
  }
}
