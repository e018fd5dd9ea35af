import { Elements } from '../tensors/elements.ts'
import { scoreCost, topCost } from './distribution.ts'
import { drawCost } from './draw.ts'
import { windowed } from './history/history.ts'
import { plan } from './plan.ts'
import type { RowRequest } from './sample.ts'
import { traceCost } from './trace.ts'

/** Steps to load, sum and draw: for each row, and for each of its logits. */
const ROW = 5000
const LOGIT = 8
/** Steps for each logit to load the row once more, and to gather all tokens in play. */
const LOAD = 5
const GATHER = 8

/** The steps, of about a nanosecond each, that a sampler or field adds to a row. */
export interface Cost {
  readonly name: string
  readonly amount: number
}

/** The estimated cost of sampling a row. Each part is declared beside its implementation. */
export function costsOf(request: RowRequest): Cost[] {
  const { logits, params, draw, prompt, output, stop } = request
  const size = logits instanceof Elements ? logits.length : logits.ids.length
  const { steps } = request.plan ?? plan(params)
  const window = windowed(request, params.penalty_last_n)
  const facts = { size, prompt, output, window, stop }
  const costs: Cost[] = [{ name: 'logits', amount: ROW + LOGIT * size }]
  for (const { sampler, cost } of steps) costs.push({ name: sampler.name, amount: cost(facts) })
  if (isTraced(params)) {
    const again = costs.reduce((sum, { amount }) => sum + amount, 0)
    const watched = params.watch_token_ids.length
    const name = watched > 0 ? 'watch_token_ids' : 'trace'
    costs.push({ name, amount: again + traceCost(steps.length, watched, size) })
  }
  if (draw) costs.push({ name: 'n', amount: drawCost(draw, size) })
  if (request.report?.isExact) costs.push({ name: 'return_probabilities', amount: GATHER * size })
  if (params.logprobs_mode === 'raw') {
    costs.push({ name: 'logprobs_mode', amount: LOAD * size })
  }
  costs.push(
    { name: 'top_logprobs', amount: topCost(params.top_logprobs, size) },
    { name: 'logprob_token_ids', amount: scoreCost(params.logprob_token_ids.length, size) },
  )
  return costs
}

function isTraced({ trace, watch_token_ids }: RowRequest['params']): boolean {
  return trace || watch_token_ids.length > 0
}

/** Whether two rows certainly have the same estimate. */
export function costAlike(a: RowRequest, b: RowRequest): boolean {
  return (
    a.params === b.params &&
    a.prompt === b.prompt &&
    a.output === b.output &&
    a.logits instanceof Elements &&
    b.logits instanceof Elements
  )
}
