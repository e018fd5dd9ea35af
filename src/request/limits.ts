import { problemAt } from '../errors.ts'
import { costAlike, costsOf } from '../sampling/cost.ts'
import { fieldOf } from '../sampling/plan.ts'
import { countProbabilities } from './operations.ts'
import type { RequestRow } from './request-row.ts'

/** Limits on the rows of a request together, checked before the first row is sampled. */

/** The largest number of tokens in all histories: more than 100 rows with a context of 100,000 tokens each. */
const MAX_HISTORY_TOKENS = 2 ** 24

/** The largest number of numbers in an answer. As JSON, each takes about 20 bytes, so the text has a third of V8's longest string. */
const MAX_ANSWER_NUMBERS = 2 ** 23

/** The largest number of tokens that one list of a row reports, because such lists are in memory as a whole. No model has a larger vocabulary. */
const MAX_REPORTED = 2 ** 18

/** A step of a trace, a watched token, and a step of its path count as this many numbers of an answer. */
const STEP_NUMBERS = 12
const WATCHED_NUMBERS = 8
const PATH_NUMBERS = 4

export function checkLimits(rows: readonly RequestRow[], { maxWork }: { maxWork: number }): void {
  checkHistories(rows)
  checkReports(rows)
  checkAnswer(rows)
  checkWork(rows, maxWork)
}

const historyAmounts = ({ prompt, output }: RequestRow): Amounts => [
  { name: 'prompt_token_ids', amount: prompt.length },
  { name: 'output_token_ids', amount: output.length },
]

/** A history that rows share counts for each of them, because each row reads it. */
function checkHistories(rows: readonly RequestRow[]): void {
  const total = totalOf(rows, historyAmounts, haveSameHistory)
  if (total <= MAX_HISTORY_TOKENS) return
  const { path, field, amount } = largestOf(rows, historyAmounts)
  const detail =
    `The rows have ${total} tokens of history, and the limit is ${MAX_HISTORY_TOKENS}; ` +
    `${field} has ${amount} of them; send fewer rows in one request`
  throw problemAt('HISTORY_TOO_LARGE', path, detail)
}

const haveSameHistory: Alike = (a, b) => a.prompt === b.prompt && a.output === b.output

/** The amounts that a row adds to a limit, field by field. */
export type Amounts = readonly { readonly name: string; readonly amount: number }[]

/** An upper bound of the numbers that a row adds to the answer. */
export function answerAmounts({ draw, params, plan, answer, vocabSize }: RequestRow): Amounts {
  const steps = plan?.steps.length ?? 0
  const watched = params.watch_token_ids.length
  const dropped = params.trace ? watched : 0
  return [
    { name: 'n', amount: 2 * (draw?.n ?? 0) },
    { name: 'top_logprobs', amount: 3 * Math.min(params.top_logprobs, vocabSize) },
    { name: 'logprob_token_ids', amount: 3 * params.logprob_token_ids.length },
    {
      name: 'watch_token_ids',
      amount: (WATCHED_NUMBERS + PATH_NUMBERS * steps) * watched + dropped,
    },
    { name: 'trace', amount: params.trace ? STEP_NUMBERS * steps : 0 },
    { name: 'return_probabilities', amount: countProbabilities(answer, vocabSize) },
  ]
}

/** Refuses rows whose answer would have too many numbers. Texts and objects count as several. */
export function checkAnswer(
  rows: readonly RequestRow[],
  amountsOf: (row: RequestRow) => Amounts = answerAmounts,
): void {
  const total = totalOf(rows, amountsOf, (a, b) => a.params === b.params)
  if (total <= MAX_ANSWER_NUMBERS) return
  const { path, field, amount } = largestOf(rows, amountsOf)
  const detail =
    `The answer would have up to ${total} numbers, and the limit is ${MAX_ANSWER_NUMBERS}; ` +
    `${field} takes ${amount} of them; ask for less in one request`
  throw problemAt('ANSWER_TOO_LARGE', path, detail)
}

/** Refuses a row that would report more tokens than any model has. */
function checkReports(rows: readonly RequestRow[]): void {
  for (const { params, vocabSize, fieldPathOf } of rows) {
    const amounts = {
      top_logprobs: Math.min(params.top_logprobs, vocabSize),
      logprob_token_ids: params.logprob_token_ids.length,
      watch_token_ids: params.watch_token_ids.length,
    }
    for (const [field, amount] of Object.entries(amounts)) {
      if (amount <= MAX_REPORTED) continue
      const detail = `The answer would report ${amount} tokens of a row, and the limit is ${MAX_REPORTED}; ask for fewer`
      throw problemAt('ANSWER_TOO_LARGE', fieldPathOf(field), detail)
    }
  }
}

/** Refuses rows that together would compute for too long. */
function checkWork(rows: readonly RequestRow[], maxWork: number): void {
  const total = totalOf(rows, costsOf, costAlike)
  if (total <= maxWork) return
  const { path, field, amount } = largestOf(rows, costsOf)
  const tokens = rows.reduce((sum, { prompt, output }) => sum + prompt.length + output.length, 0)
  const what = `${rows.length} rows of ${rows[0]!.vocabSize} entries and ${tokens} tokens of history`
  const detail =
    `${what} would take about ${toScientific(total)} steps, ` +
    `and the limit is ${toScientific(maxWork)} (MAX_WORK); ${field} takes ${toScientific(amount)} of them; send fewer rows in one request`
  throw problemAt('WORK_TOO_LARGE', path, detail)
}

const toScientific = (steps: number) =>
  Number(steps.toPrecision(2)).toExponential().replace('+', '')

/** Whether two rows certainly have the same amounts. */
type Alike = (a: RequestRow, b: RequestRow) => boolean

/** The sum of the amounts of all rows. */
function totalOf(
  rows: readonly RequestRow[],
  amountsOf: (row: RequestRow) => Amounts,
  areAlike: Alike,
): number {
  let total = 0
  let last: RequestRow | undefined
  let ofRow = 0
  for (const row of rows) {
    if (!last || !areAlike(last, row)) {
      ofRow = 0
      for (const { amount } of amountsOf(row)) ofRow += amount
    }
    total += ofRow
    last = row
  }
  return total
}

/** The field with the largest amount in all rows together, and its path in the row in which its amount is largest. */
function largestOf(rows: readonly RequestRow[], amountsOf: (row: RequestRow) => Amounts) {
  const byName = new Map<string, { amount: number; largest: number; row: RequestRow }>()
  for (const row of rows) {
    for (const { name, amount } of amountsOf(row)) {
      const known = byName.get(name) ?? { amount: 0, largest: -1, row }
      known.amount += amount
      if (amount > known.largest) {
        known.largest = amount
        known.row = row
      }
      byName.set(name, known)
    }
  }
  const [name, { amount, row }] = [...byName].reduce((a, b) => (b[1].amount > a[1].amount ? b : a))
  const field = fieldOf(name, row.params)
  return { field, amount, path: row.fieldPathOf(field) }
}
