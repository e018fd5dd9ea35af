import { type Answer, toAnswer, withEncoding } from './answer.ts'
import {
  type DecodedToken,
  type DecodeParams,
  decode,
  type Forward,
  type RowOptions,
} from './decode.ts'
import type { Described, Logits } from './logits.ts'
import { toJsonWire, toSharedWire, toWire } from './request.ts'
import type { Batch } from './rows.ts'
import { type CallOptions, type ClientOptions, openTransport, type Transport } from './transport.ts'
import type {
  ProbabilitiesParams,
  ProbabilitiesResult,
  SampleParams,
  SampleResult,
  Warning,
} from './types.ts'

/** Parameters for single rows of a batch. */
interface Overrides<Params> {
  /** An object for each row. Its fields replace those for all rows. */
  rows?: readonly Params[]
}

/** The function that puts a request into the form that the options ask for. */
function wireOf({ sharedMemory, wire }: ClientOptions): typeof toSharedWire {
  if (sharedMemory !== undefined) return toSharedWire
  return wire === 'json' ? toJsonWire : toWire
}

/** The result of an answer for one row, with its warnings. */
function single<Result>({ results, warnings }: Answer<Result>): Result & { warnings: Warning[] } {
  if (results.length > 1) {
    throw new TypeError('Expected one row; use sampleBatch or probabilitiesBatch for several')
  }
  return { ...results[0]!, warnings }
}

/**
 * A client of one Kelvin. It keeps its connections open: `new Kelvin('http://localhost:27315')`, or
 * `new Kelvin('unix:/run/kelvin/kelvin.sock')`.
 *
 * Calls reject with a `KelvinError`. A call that Kelvin refuses with 503 is retried if its answer would be the same:
 * if it has a seed, or draws nothing.
 */
export class Kelvin {
  readonly #transport: Transport
  readonly #toWire: typeof toSharedWire

  constructor(url = 'http://localhost:27315', options: ClientOptions = {}) {
    this.#transport = openTransport(url, options)
    this.#toWire = wireOf(options)
  }

  /** Draws tokens from one row. */
  async sample(logits: Logits, params: SampleParams = {}, call?: CallOptions) {
    return single(await this.sampleBatch(logits, params, call))
  }

  /** Draws tokens from each row. Parameters apply to all rows; `rows` overrides them for each. */
  async sampleBatch(
    logits: Batch | Described,
    params: SampleParams & Overrides<SampleParams> = {},
    call?: CallOptions,
  ): Promise<Answer<SampleResult>> {
    return this.#ask('/v1/sample', logits, params, params.seed !== undefined, call)
  }

  /** Computes the distribution of one row, and draws nothing. */
  async probabilities(logits: Logits, params: ProbabilitiesParams = {}, call?: CallOptions) {
    return single(await this.probabilitiesBatch(logits, params, call))
  }

  /** Computes the distribution of each row, and draws nothing. */
  async probabilitiesBatch(
    logits: Batch | Described,
    params: ProbabilitiesParams & Overrides<ProbabilitiesParams> = {},
    call?: CallOptions,
  ): Promise<Answer<ProbabilitiesResult>> {
    return this.#ask('/v1/probabilities', logits, params, true, call)
  }

  /**
   * Generates tokens: `forward` computes the logits of the next token, and Kelvin draws it. The client keeps the state
   * from step to step.
   */
  decode(
    forward: Forward,
    params: DecodeParams = {},
    options: RowOptions = {},
  ): AsyncGenerator<DecodedToken, void, void> {
    return decode((...asked) => this.sample(...asked), forward, params, options)
  }

  /** Waits for calls under way, then closes the connections and removes the files in shared memory. */
  close(): Promise<void> {
    return this.#transport.close()
  }

  async #ask<Result extends SampleResult | ProbabilitiesResult>(
    url: string,
    logits: Batch | Described,
    params: object,
    isRepeatable: boolean,
    call?: CallOptions,
  ): Promise<Answer<Result>> {
    const wire = this.#toWire(url, logits, withEncoding({ ...params }))
    return toAnswer(await this.#transport.post(wire, isRepeatable, call))
  }
}
