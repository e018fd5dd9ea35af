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
import { entropy, givenMass, logprob, settle } from './row/statistics.ts'
import type { Accept, Context } from './sampler.ts'
import { type TraceStep, trace } from './trace.ts'
import type { WatchedToken } from './watched.ts'

/** Increment it when the same request may get other bytes than before. */
export const DETERMINISM_VERSION = 3

/** Reports of the final distribution, in addition to those that the parameters ask for. */
export interface Report {
  /** `kept`: the probabilities of the tokens left. Otherwise those of every vocabulary entry, as numbers of this type. */
  readonly probabilities?: 'kept' | 'float32' | 'float64'
  /** Whether logprobs and entropy are computed from sums in float64, as probabilities are. */
  readonly isExact?: boolean
  /** Whether to count the tokens left. */
  readonly keptCount?: boolean
  readonly entropy?: boolean
  /** The number of most likely tokens to report after all samplers, whatever `logprobs_mode` is. */
  readonly ranked?: number
}

/** A row of logits, and how to sample it. Rows with equal parameters share one `params` object. */
export interface RowRequest extends History {
  logits: Logits
  /** The path of the row, or of one of its logits, in the request, for errors. */
  pathOf(id?: number): readonly PropertyKey[]
  /** The same for a token of its history or a stop token. */
  tokenPathOf?(part: HistoryPart, index: number): readonly PropertyKey[]
  params: RowParams
  /** The plan of the parameters, if it is made already. */
  plan?: Plan
  /** Tokens that end a text. */
  stop: Uint32Array
  state: Readonly<Record<string, number>>
  address: Address
  draw?: Draw
  /** What to report of the final distribution. */
  report?: Report
  /** Warnings that the caller adds. */
  warnings?: readonly Warning[]
  /** Whether the request sets seed, stream or step. */
  isAddressed?: boolean
  /** Whether the same logits are sampled again later. If so, they are not changed in place. */
  isSampledAgain?: boolean
}

/** The result of a row: plain numbers, which stay the same when other rows are sampled. */
export interface RowResult {
  /** The number of tokens left. */
  kept_count?: number
  /** The tokens left, ids ascending. */
  kept?: { token_ids: Uint32Array; probabilities: Float64Array }
  /** One for each vocabulary entry; 0 for a token that was removed. */
  probabilities?: Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>
  /** The entropy of the final distribution, in nats. */
  entropy?: number
  ranked?: TopTokens
  drawn?: { token_ids: number[]; logprobs: number[] }
  /** The address of the random numbers. Omitted if nothing was drawn or rolled. */
  address?: Address
  /** The state for the next step. */
  state?: Record<string, number>
  trace?: TraceStep[]
  watched?: WatchedToken[]
  top?: TopTokens
  scored?: ScoredTokens
  /** For a sparse row: whether probabilities refer to the whole vocabulary or to the tokens given. */
  normalization?: 'full' | 'candidates'
  /** For a sparse row: the share of the tokens left in the whole distribution, if it is known. */
  given_mass?: number
  warnings: Warning[]
}

/** The number of tokens that are looked up between two pauses. */
const FEW = 2 ** 13

/** The number of samplers that run between two pauses on a vocabulary of ordinary size. */
const STEPS = 4

/** The rows are reused, so that sampling a row allocates nothing as large as a vocabulary. */
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
 * A request may set its own order, and a profile has that of its engine. A row is sampled when its result is asked
 * for. At each yield of undefined other work may run, but no other row may be sampled, because all rows use the same
 * memory.
 */
export function* sample(requests: Iterable<RowRequest>): Generator<RowResult | undefined> {
  const planOf = planner()
  let index = 0
  for (const request of requests) {
    let result: RowResult
    try {
      result = yield* runRow(request, request.plan ?? planOf(request.params), index)
    } catch (error) {
      throw withLogitPath(error, request, index)
    }
    yield result
    index++
  }
}

/** The results, without pauses. */
export function* resultsOf(requests: Iterable<RowRequest>): Generator<RowResult> {
  for (const result of sample(requests)) if (result) yield result
}

/** An error about a logit as a problem with its path. Returns other errors as they are. */
function withLogitPath(error: unknown, request: RowRequest, index: number): unknown {
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
      throw withTokenPath(error, request, sampler.name)
    }
    emptiedBy = processed.isEmpty ? (emptiedBy ?? sampler.name) : undefined
  }
  if (emptiedBy !== undefined) throw noTokenLeft(emptiedBy)

  const given_mass = givenMass(processed)
  let normalization = settle(processed, request.draw !== undefined)
  let reported = processed
  if (params.logprobs_mode === 'raw') {
    reported = loadRaw(logits)
    if (settle(reported, false) === 'candidates') normalization = 'candidates'
  }
  const warnings = [...planned.warnings, ...contextWarnings(planned, request)]
  if (request.warnings) warnings.push(...request.warnings)
  const result: RowResult = { warnings }
  if (!(logits instanceof Elements)) {
    if (logits.warning) warnings.push(logits.warning)
    result.normalization = normalization
    if (given_mass !== undefined) result.given_mass = given_mass
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
        ? token_ids.map((id) => logprob(reported, reported.logitOf(id)))
        : yield* logprobsOf(reported, token_ids)
    result.drawn = { token_ids, logprobs }
    // The state follows the first token drawn, which is the one that continues the text.
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

/** Adds the reports of the final distribution to a result. */
function* reportRow(row: Row, report: Report = {}, result: RowResult): Pausing {
  if (report.keptCount) result.kept_count = row.count()
  if (report.ranked !== undefined) result.ranked = yield* topTokens(row, report.ranked)
  if (report.probabilities === 'kept') {
    const values = probabilities(row)
    result.kept = { token_ids: row.views.ids.slice(0, values.length), probabilities: values }
  } else if (report.probabilities !== undefined) {
    const Values = report.probabilities === 'float64' ? Float64Array : Float32Array
    result.probabilities = denseProbabilities(row, new Values(row.vocabSize))
  }
  if (report.entropy) result.entropy = entropy(row)
}

function* logprobsOf(row: Row, ids: readonly number[]): Pausing<number[]> {
  const logprobs = new Array<number>(ids.length)
  for (let i = 0; i < ids.length; i++) {
    if (i % FEW === FEW - 1) yield
    logprobs[i] = logprob(row, row.logitOf(ids[i]!))
  }
  return logprobs
}

/** An error about an unknown token as a problem with its path. Returns other errors as they are. */
function withTokenPath(error: unknown, request: RowRequest, name: string): unknown {
  if (!(error instanceof UnknownToken)) return error
  const { part, index } = findToken(request, error)
  const path = request.tokenPathOf?.(part, index) ?? [part, index]
  // A negative id is kept modulo 2^32.
  const what = beyondVocabulary(error.id | 0, processed.vocabSize)
  const detail = `${what}, and ${name} would change its logit; leave the id out`
  return problemAt('TOKEN_ID_OUT_OF_RANGE', path, detail)
}

/** The last place of a token in the history. A sampler with a window has certainly seen it there. */
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

function* traceRow({ logits, params, draw }: RowRequest, planned: Plan, context: Context) {
  traced.load(logits)
  traced.minTokensToKeep = params.min_tokens_to_keep
  return yield* trace(traced, planned, context, params.watch_token_ids, draw !== undefined)
}

function loadRaw(logits: Logits): Row {
  raw.load(logits)
  return raw
}
