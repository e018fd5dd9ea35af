import type { Given, Limits } from './files.ts'
import type {
  Catalogue,
  Fields,
  Problem,
  Result,
  Row,
  Sampler,
  Schema,
  Vocabulary,
  Warning,
} from './types.ts'

/** A part of the state that has changed. The page updates everything that depends on it. */
export type Change = 'row' | 'fields' | 'view'

/** The state of the page. Everything on screen is made from it. */
export interface Model {
  readonly catalogue: Catalogue
  readonly limits: Limits
  readonly presets: readonly Preset[]

  row: Row
  /** The rows of the file from which the row is. */
  given?: { rows: Given; index: number } | undefined
  vocabulary: Vocabulary
  fields: Fields
  /** The token whose details are shown. */
  inspected?: number | undefined

  /** The distribution before all samplers. */
  raw?: Raw | undefined
  /** The newest answer, with its question. */
  answer?: Answer | undefined
  curve?: EntropyCurve | undefined
  /** The results of other profiles with the same settings. Only asked for while the comparison is open. */
  compared?: ReadonlyMap<string, Pick<Result, 'kept_count' | 'entropy'>> | undefined
  comparing: boolean
  problem?: Problem | undefined
  /** Errors about text in controls, by field. */
  readonly unreadable: Map<string, string>

  /** The settings of samplers that were switched off, to restore them. */
  readonly remembered: Map<string, Fields>
  readonly open: Set<string>
  filter: string
  dragged?: { name: string; before: string | undefined } | undefined
  language: string
  notice: string
  /** Messages about the last replay and the last copy. */
  said: string
  copied: string
}

export interface Preset {
  readonly id: string
  readonly vocabulary: Vocabulary
  readonly entropy: number
  readonly row: Row
  /** Prompt, output and other fields of the history, if any. */
  readonly context: Fields
}

export interface Raw {
  readonly ids: readonly number[]
  /** ln Σ e^logit, so that the probability of any token follows from its logit. */
  readonly logTotal: number
}

export interface Answer {
  readonly row: Row
  readonly fields: Fields
  readonly result: Result
  readonly warnings: readonly Warning[]
}

/** The entropy of the row at other temperatures, with all other fields as they are. */
export interface EntropyCurve {
  readonly temperatures: readonly number[]
  readonly entropies: readonly number[]
}

/** The number of most likely tokens on screen. */
export const SHOWN = 24

/** The schema of any field, of a sampler or shared. */
export function schemaOf({ samplers, fields }: Catalogue, name: string): Schema {
  const all = [...samplers.map((sampler) => sampler.fields), ...Object.values(fields)]
  return all.find((schemas) => schemas[name])?.[name] ?? {}
}

/** The value of a field, or its default. */
export function fieldOf({ fields, catalogue }: Model, name: string): unknown {
  return fields[name] ?? schemaOf(catalogue, name).default
}

export function samplerOf({ samplers }: Catalogue, name: string): Sampler {
  return samplers.find((sampler) => sampler.name === name)!
}

/** The answer for the current row; undefined if there is only one for another row. */
export function answerOf({ answer, row }: Model): Answer | undefined {
  return answer?.row === row ? answer : undefined
}

/** The tokens on screen: the most likely ones before and after all samplers, by logit. */
export function shownTokens(model: Model): number[] {
  const { raw, row } = model
  const ids = new Set([...(raw?.ids ?? []), ...(answerOf(model)?.result.top?.token_ids ?? [])])
  return [...ids].sort((a, b) => row.logits[b]! - row.logits[a]! || a - b).slice(0, 2 * SHOWN)
}

export function rawProbability({ raw, row }: Model, id: number): number {
  return raw ? Math.exp(row.logits[id]! - raw.logTotal) : 0
}

export function rawRank({ row }: Model, id: number): number {
  const own = row.logits[id]!
  let rank = 1
  for (let other = 0; other < row.logits.length; other++) {
    const logit = row.logits[other]!
    if (logit > own || (logit === own && other < id)) rank++
  }
  return rank
}

export function temperatureOf(model: Model): number {
  return fieldOf(model, 'temperature') as number
}

/** The error about a field: its text cannot be read, or the server refuses its value. */
export function faultOf({ unreadable, problem }: Model, name: string): string | undefined {
  const written = unreadable.get(name)
  if (written) return written
  const fault = problem?.errors.find(({ pointer }) => pointer.split('/')[1] === name)
  if (!fault) return undefined
  const inside = fault.pointer.split('/').slice(2).join(' → ')
  return inside ? `${inside}: ${fault.detail}` : fault.detail
}
