import type * as z from 'zod'
import type { Pausing } from '../algorithms/pausing.ts'
import type { Warning } from '../warning.ts'
import type { History } from './history/history.ts'
import type { Row } from './row/row.ts'

/** The stages of the pipeline, in order. A sampler belongs to one of them. */
export const stages = ['mask', 'penalty', 'temperature', 'truncation', 'draw'] as const
type Stage = (typeof stages)[number]

export type SamplerShape = z.ZodRawShape
type Params<F extends SamplerShape> = z.output<z.ZodObject<F>>

/** A sampler's choices where engines disagree, by name. A profile sets them; a request cannot. */
export type Rules = Readonly<Record<string, string | number | boolean>>

/** The inputs of a sampler in addition to the row and its parameters. */
export interface Context extends History {
  /** The last `penalty_last_n` tokens of the history. */
  readonly window: History
  /** Tokens that end a text. */
  readonly stop: Uint32Array
  /** The `state` of the answer to the previous step. */
  readonly state: Readonly<Record<string, number>>
  /** A uniform number in [0, 1) for this row and one purpose; see `philox.ts`. */
  uniform(purpose: bigint): number
}

/** The inputs of a cost estimate in addition to the parameters. */
export interface Facts extends History {
  /** The number of logits given. */
  readonly size: number
  /** The last `penalty_last_n` tokens of the history. */
  readonly window: History
  readonly stop: Uint32Array
}

/** Called with the drawn token. Returns the state for the next step. */
export type Accept = (tokenId: number) => Record<string, number>

// biome-ignore lint/suspicious/noConfusingVoidType: most samplers remember nothing, and return nothing
type Done = Accept | void

/** Runs a sampler, with its parameters bound, on a row: at once, or as work in parts. */
export type Step = (row: Row, context: Context) => Done | Pausing<Done>

/** At this size, adding an ordinary logit no longer changes a float64. */
const SWALLOWS = 1e16

/** Whether a finite bias is so large that the logit is lost in rounding. */
export function swallowsLogit(bias: number): boolean {
  return Math.abs(bias) >= SWALLOWS && Number.isFinite(bias)
}

/** The warning about such a bias. */
export function warnOfBias(subject: string, bias: number): Warning | undefined {
  if (!swallowsLogit(bias)) return undefined
  const message =
    `${subject} is ${bias}, so large that the logit is rounded away. ` +
    'To ban a token, use "-Infinity"; to force tokens, use allowed_token_ids'
  return { code: 'BIAS_SWALLOWS_LOGIT', message }
}

export interface Sampler<
  Name extends string = string,
  F extends SamplerShape = SamplerShape,
  R extends Rules = Rules,
> {
  /** Its name in `order`. */
  readonly name: Name
  readonly title: string
  /** The effect of the sampler, in one sentence. */
  readonly meaning: string
  readonly reference: { readonly title: string; readonly url: string }
  readonly stage: Stage
  /** Whether most people who set any sampler set this one. Pages show these samplers first. */
  readonly isCommon?: boolean
  /** Request fields. Every default is the value at which the sampler does nothing. */
  readonly fields: F
  /** Kelvin's own choice wherever engines disagree. */
  readonly rules: R
  /** The fields of `state` that the sampler remembers between steps. The caller sends them with the next step. */
  readonly state?: Readonly<Record<string, z.ZodType<number>>>
  /** Whether it does nothing without tokens that end a text. */
  readonly needsStop?: boolean
  /** Whether it looks at the last `penalty_last_n` tokens. */
  readonly usesWindow?: boolean
  /** An example: the probabilities before and after the sampler, with these parameters and history. */
  readonly example: {
    readonly params: z.input<z.ZodObject<F>>
    readonly history?: Readonly<Partial<Record<'prompt' | 'output' | 'stop', readonly number[]>>>
    readonly given: readonly number[]
    readonly gives: readonly number[]
  }
  active(params: Params<F>): boolean
  apply(row: Row, params: Params<F>, rules: R, context: Context): ReturnType<Step>
  /** The steps, of about a nanosecond each, that it takes. Omitted: `PASS` for each logit. */
  cost?(params: Params<F>, facts: Facts): number
  /** Whether it puts tokens in play if none is. Other samplers only run if at least one is in play. */
  fillsEmpty?(params: Params<F>, rules: R): boolean
  /** Whether these parameters leave a single token of any row, so that later samplers have no effect. */
  leavesOne?(params: Params<F>, rules: R, minTokensToKeep: number): boolean
  warn?(params: Params<F>, rules: R): Warning | undefined
}

/**
 * Makes a sampler. It is a function instead of a type annotation, because only a call infers the types of the
 * parameters of `active` and `apply` from the fields.
 */
export function defineSampler<
  const Name extends string,
  const F extends SamplerShape,
  const R extends Rules = Record<never, never>,
>(definition: Omit<Sampler<Name, F, R>, 'rules'> & { rules?: R }): Sampler<Name, F, R> {
  return Object.freeze({ ...definition, rules: definition.rules ?? ({} as R) })
}
