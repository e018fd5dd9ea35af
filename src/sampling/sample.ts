import { LARGE, PART, type Pausing } from '../algorithms/pausing.ts'
import { problemAt } from '../errors.ts'
import { beyondVocabulary } from '../fields/token-ids.ts'
import { layOut } from '../kernel/memory.ts'
import type { Logits } from '../tensors/candidates.ts'
import { Elements } from '../tensors/elements.ts'
import { FaultyLogit } from '../tensors/load.ts'
import type { Warning } from '../warning.ts'
import {
  denseProbabilities,
  probabilities,
  type ScoredTokens,
  scoreTokens,
  type TopTokens,
  topTokens,
} from './distribution.ts'
import { type Draw, draw } from './draw.ts'
import { type History, type HistoryPart, UnknownToken, windowed } from './history/history.ts'
import type { RowParams } from './params.ts'
import { type Address, uniforms } from './philox.ts'
import { contextWarnings, type Plan, planner } from './plan.ts'
import { Row } from './row/row.ts'
import type { Accept, Context } from './sampler.ts'
import { type TraceStep, trace, type WatchedToken } from './trace.ts'

/** Raised when the same request may get other bytes than before. */
export const DETERMINISM_VERSION = 2

/** What to report of the final distribution, beside what the parameters say. */
export interface Report {
  /** The probabilities of the tokens left, or of every vocabulary entry as numbers of this type. */
  readonly probabilities?: 'kept' | 'float32' | 'float64'
  /** Whether logprobs and entropy come from sums in float64, as probabilities do. */
  readonly isExact?: boolean
  readonly entropy?: boolean
  /** How many of the most likely tokens, whatever `logprobs_mode` is. */
  readonly ranked?: number
}

/** One row of logits and what is asked of it. Rows that share parameters share the object. */
export interface RowRequest extends History {
  logits: Logits
  /** Where the row or an entry of it is in the request, for errors. */
  pathOf(id?: number): readonly PropertyKey[]
  /** The same for a token of its history or of those that end a text. */
  tokenPathOf?(part: HistoryPart, index: number): readonly PropertyKey[]
  params: RowParams
  /** What the parameters come to, if that is known already. */
  plan?: Plan
  /** Tokens that end a text. */
  stop: Uint32Array
  state: Readonly<Record<string, number>>
  address: Address
  draw?: Draw
  /** What to report of the final distribution. */
  report?: Report
  /** What to say of what else was asked for. */
  warnings?: readonly Warning[]
  /** Whether the request says which random numbers to use. */
  isAddressed?: boolean
  /** Whether the same logits are sampled again later, and so must not be changed in place. */
  isSampledAgain?: boolean
}

/** Plain numbers: a result stays as it is when other rows are sampled. */
export interface RowResult {
  /** How many tokens are left. */
  kept_count: number
  /** The tokens left, ids ascending. */
  kept?: { token_ids: Uint32Array; probabilities: Float64Array }
  /** One for each vocabulary entry; 0 for a token that was removed. */
  probabilities?: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
  /** Of the final distribution, in nats. */
  entropy?: number
  ranked?: TopTokens
  drawn?: { token_ids: number[]; logprobs: number[] }
  /** Which random numbers were used, if any were, or could have been. */
  address?: Address
  /** What to send with the next step. */
  state?: Record<string, number>
  trace?: TraceStep[]
  watched?: WatchedToken[]
  top?: TopTokens
  scored?: ScoredTokens
  /** Of a sparse row: whether probabilities are the whole row's, or relative to the tokens given. */
  normalization?: 'full' | 'candidates'
  /** Of a sparse row: what the tokens left weigh in the whole row's distribution, where it is known. */
  given_mass?: number
  warnings: Warning[]
}

/** How many tokens are looked up in one go. */
const FEW = 2 ** 13

/** How many steps over a vocabulary of ordinary size are one part. */
const STEPS = 4

/** Reused from row to row, so that nothing as large as a vocabulary is allocated for each. */
let capacity = 32_768
const rows = layOut(3, capacity).map((memory) => new Row(memory))
const [processed, raw, traced] = rows as [Row, Row, Row]

function makeRoomFor(vocabSize: number): void {
  if (vocabSize <= capacity) return
  let wanted = capacity
  while (wanted < vocabSize) wanted *= 2
  const memories = layOut(rows.length, wanted)
  capacity = wanted
  rows.forEach((row, i) => {
    row.attach(memories[i]!)
  })
}

/**
 * From logits to tokens, for each row in this order:
 *
 * 1. mask         tokens that may not be chosen, and biases
 * 2. penalty      what the history forbids or discourages
 * 3. temperature  the shape of the distribution
 * 4. truncation   which tokens stay
 * 5. draw         tokens from what is left
 *
 * A request may give its own order, and a profile has that of its engine. Rows are worked on as
 * results are asked for. Where there is none yet, others may have their turn, but no other row: it would
 * be worked on in the same memory.
 */
export function* sample(requests: Iterable<RowRequest>): Generator<RowResult | undefined> {
  const planOf = planner()
  let index = 0
  for (const request of requests) {
    let result: RowResult
    try {
      result = yield* runRow(request, request.plan ?? planOf(request.params), index)
    } catch (error) {
      throw located(error, request, index)
    }
    yield result
    index++
  }
}

/** The results alone, where nobody waits. */
export function* resultsOf(requests: Iterable<RowRequest>): Generator<RowResult> {
  for (const result of sample(requests)) if (result) yield result
}

/** An error, with its place in the request if it is about a logit. */
function located(error: unknown, request: RowRequest, index: number): unknown {
  if (!(error instanceof FaultyLogit)) return error
  const { id, value } = error
  const detail = `Expected a number below +Infinity at row ${index}, index ${id}, got ${value} as float32`
  return problemAt('LOGITS_NOT_FINITE', request.pathOf(id), detail)
}

function* runRow(request: RowRequest, planned: Plan, index: number): Pausing<RowResult> {
  const { logits, params } = request
  const noTokenLeft = (name: string) => {
    const why = processed.cameEmpty ? 'all its logits are -Infinity' : `${name} leaves no token`
    return problemAt('NO_TOKEN_LEFT', request.pathOf(), `Cannot sample row ${index}: ${why}`)
  }

  let rolled = false
  const context: Context = {
    ...request,
    window: windowed(request, params.penalty_last_n),
    uniform(purpose) {
      rolled = true
      return uniforms({ ...request.address, purpose }, 1)[0]!
    },
  }

  const size = logits instanceof Elements ? logits.length : logits.ids.length
  const isLarge = size > LARGE
  makeRoomFor(size)
  const isSeenAgain =
    request.isSampledAgain ||
    params.logprobs_mode === 'raw' ||
    params.trace ||
    params.watch_token_ids.length > 0
  processed.load(logits, !isSeenAgain)
  processed.minTokensToKeep = params.min_tokens_to_keep
  const accepts: Accept[] = []
  let emptiedBy = processed.isEmpty ? '' : undefined
  let done = 0
  for (const { sampler, apply, fillsEmpty } of planned.steps) {
    if (emptiedBy !== undefined && !fillsEmpty) continue
    if (isLarge || (size > PART && ++done % STEPS === 0)) yield
    try {
      const applied = apply(processed, context)
      const accept = typeof applied === 'object' ? yield* applied : applied
      if (accept) accepts.push(accept)
    } catch (error) {
      throw aboutToken(error, request, sampler.name)
    }
    emptiedBy = processed.isEmpty ? (emptiedBy ?? sampler.name) : undefined
  }
  if (emptiedBy !== undefined) throw noTokenLeft(emptiedBy)

  const givenMass = processed.givenMass()
  let normalization = processed.settle(request.draw !== undefined)
  let reported = processed
  if (params.logprobs_mode === 'raw') {
    reported = loadRaw(logits)
    if (reported.settle(false) === 'candidates') normalization = 'candidates'
  }
  const warnings = [...planned.warnings, ...contextWarnings(planned, request)]
  if (request.warnings) warnings.push(...request.warnings)
  const result: RowResult = { kept_count: 0, warnings }
  if (!(logits instanceof Elements)) {
    if (logits.warning) warnings.push(logits.warning)
    result.normalization = normalization
    if (givenMass !== undefined) result.given_mass = givenMass
  }
  if (isLarge) yield
  const drawn = request.draw && draw(processed, request.draw, request.address, index)
  const token_ids = drawn && (Array.isArray(drawn) ? drawn : yield* drawn)
  if (request.report?.isExact) {
    processed.gather()
    reported.gather()
  }
  if (params.top_logprobs > 0) result.top = yield* topTokens(reported, params.top_logprobs)
  if (params.logprob_token_ids.length > 0) {
    result.scored = yield* scoreTokens(reported, params.logprob_token_ids)
  }
  if (token_ids) {
    const logprobs =
      token_ids.length < FEW
        ? token_ids.map((id) => reported.logprob(reported.logitOf(id)))
        : yield* logprobsOf(reported, token_ids)
    result.drawn = { token_ids, logprobs }
    // What is remembered follows the first token drawn: that is the one a text goes on with.
    if (accepts.length > 0) {
      result.state = Object.assign({}, ...accepts.map((accept) => accept(token_ids[0]!)))
    }
  }
  if (params.trace || params.watch_token_ids.length > 0) {
    const { trace: steps, watched } = yield* traceRow(request, planned, context)
    if (params.trace) result.trace = steps
    if (watched.length > 0) result.watched = watched
  }
  if (!token_ids && !rolled && request.isAddressed) {
    const message = 'seed, stream and step have no effect: nothing is drawn'
    warnings.push({ code: 'PARAMETER_WITHOUT_EFFECT', message })
  }
  if (token_ids || rolled) result.address = request.address
  yield* reportRow(processed, request.report, result)
  return result
}

/** Puts into a result what is asked of the final distribution. */
function* reportRow(row: Row, report: Report = {}, result: RowResult): Pausing {
  result.kept_count = row.size
  if (report.ranked !== undefined) result.ranked = yield* topTokens(row, report.ranked)
  if (report.probabilities === 'kept') {
    const values = probabilities(row)
    result.kept = { token_ids: row.ids.slice(0, row.size), probabilities: values }
  } else if (report.probabilities !== undefined) {
    const Values = report.probabilities === 'float64' ? Float64Array : Float32Array
    result.probabilities = denseProbabilities(row, new Values(row.vocabSize))
  }
  if (report.entropy) result.entropy = row.entropy()
}

function* logprobsOf(row: Row, ids: readonly number[]): Pausing<number[]> {
  const logprobs = new Array<number>(ids.length)
  for (let i = 0; i < ids.length; i++) {
    if (i % FEW === FEW - 1) yield
    logprobs[i] = row.logprob(row.logitOf(ids[i]!))
  }
  return logprobs
}

/** An error of a sampler; with the place of a token that it cannot work on, if it is about one. */
function aboutToken(error: unknown, request: RowRequest, name: string): unknown {
  if (!(error instanceof UnknownToken)) return error
  const { part, index } = findToken(request, error)
  const path = request.tokenPathOf?.(part, index) ?? [part, index]
  // A negative one is kept as what is left of it in 32 bits.
  const what = beyondVocabulary(error.id | 0, processed.vocabSize)
  const detail = `${what}, and ${name} would change its logit; leave it out`
  return problemAt('TOKEN_ID_OUT_OF_RANGE', path, detail)
}

/** Where a token comes last: a sampler that looks at the last tokens alone has seen it there. */
function findToken(
  request: RowRequest,
  { id, part }: UnknownToken,
): { part: HistoryPart; index: number } {
  if (part) return { part, index: request[part].lastIndexOf(id) }
  const index = request.output.lastIndexOf(id)
  return index < 0
    ? { part: 'prompt', index: request.prompt.lastIndexOf(id) }
    : { part: 'output', index }
}

function* traceRow({ logits, params }: RowRequest, planned: Plan, context: Context) {
  traced.load(logits)
  traced.minTokensToKeep = params.min_tokens_to_keep
  return yield* trace(traced, planned, context, params.watch_token_ids)
}

function loadRaw(logits: Logits): Row {
  raw.load(logits)
  return raw
}
