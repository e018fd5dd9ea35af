import { type Answer, toAnswer, withEncoding } from './answer.ts'
import {
  type DecodedToken,
  type DecodeParams,
  decode,
  type Forward,
  type RowOptions,
} from './decode.ts'
import type { Logits } from './logits.ts'
import { toJsonWire, toWire } from './request.ts'
import type { Batch } from './rows.ts'
import { type CallOptions, type ClientOptions, openTransport, type Transport } from './transport.ts'
import type {
  ProbabilitiesParams,
  ProbabilitiesResult,
  SampleParams,
  SampleResult,
  SparseLogits,
  Warning,
} from './types.ts'

/** What rows of a batch may have of their own. */
interface Overrides<Params> {
  /** An object for each row, whose fields are instead of those for all. */
  rows?: readonly Params[]
}

/** The only result of an answer, with its warnings. */
function single<Result>({ results, warnings }: Answer<Result>): Result & { warnings: Warning[] } {
  if (results.length > 1) throw new TypeError('Expected one row; there are calls for batches')
  return { ...results[0]!, warnings }
}

/**
 * A client of one Kelvin, with connections that are kept: `new Kelvin('http://localhost:27315')`, or
 * `new Kelvin('unix:/run/kelvin/kelvin.sock')`.
 *
 * Calls reject with a `KelvinError`. One that Kelvin refuses for now is sent again where that changes
 * nothing: where the seed is given, or nothing is drawn.
 */
export class Kelvin {
  readonly #transport: Transport
  readonly #toWire: typeof toWire

  constructor(url = 'http://localhost:27315', options: ClientOptions = {}) {
    this.#transport = openTransport(url, options)
    this.#toWire = options.wire === 'json' ? toJsonWire : toWire
  }

  /** Draw from one row. */
  async sample(logits: Logits, params: SampleParams = {}, call?: CallOptions) {
    return single(await this.sampleBatch(logits, params, call))
  }

  /** Draw from each row, with parameters for all and, in `rows`, for each. */
  async sampleBatch(
    logits: Batch | SparseLogits,
    params: SampleParams & Overrides<SampleParams> = {},
    call?: CallOptions,
  ): Promise<Answer<SampleResult>> {
    return this.#ask('/v1/sample', logits, params, params.seed !== undefined, call)
  }

  /** The distribution of one row, from which nothing is drawn. */
  async probabilities(logits: Logits, params: ProbabilitiesParams = {}, call?: CallOptions) {
    return single(await this.probabilitiesBatch(logits, params, call))
  }

  /** The distribution of each row. */
  async probabilitiesBatch(
    logits: Batch | SparseLogits,
    params: ProbabilitiesParams & Overrides<ProbabilitiesParams> = {},
    call?: CallOptions,
  ): Promise<Answer<ProbabilitiesResult>> {
    return this.#ask('/v1/probabilities', logits, params, true, call)
  }

  /**
   * Generate: `forward` computes the logits of the next token, Kelvin draws it, and what has to be kept from
   * step to step is kept here.
   */
  decode(
    forward: Forward,
    params: DecodeParams = {},
    options: RowOptions = {},
  ): AsyncGenerator<DecodedToken, void, void> {
    return decode((...asked) => this.sample(...asked), forward, params, options)
  }

  /** Lets calls under way finish, then closes the connections. */
  close(): Promise<void> {
    return this.#transport.close()
  }

  async #ask<Result extends SampleResult | ProbabilitiesResult>(
    url: string,
    logits: Batch | SparseLogits,
    params: object,
    isRepeatable: boolean,
    call?: CallOptions,
  ): Promise<Answer<Result>> {
    const wire = this.#toWire(url, logits, withEncoding({ ...params }))
    return toAnswer(await this.#transport.post(wire, isRepeatable, call))
  }
}
