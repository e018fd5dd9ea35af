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

/** What has changed, and so what must be done again. */
export type Change = 'row' | 'fields' | 'view'

/** Everything the page shows is made from this. */
export interface Model {
  readonly catalogue: Catalogue
  readonly limits: Limits
  readonly presets: readonly Preset[]

  row: Row
  /** Where the row came from a file with others. */
  given?: { rows: Given; index: number } | undefined
  vocabulary: Vocabulary
  fields: Fields
  /** The token that was asked about. */
  inspected?: number | undefined

  /** The distribution of the logits as they are. */
  raw?: Raw | undefined
  /** The newest answer, and to what. */
  answer?: Answer | undefined
  curve?: EntropyCurve | undefined
  /** What other profiles make of the same settings; asked for while somebody looks at it. */
  compared?: ReadonlyMap<string, Pick<Result, 'kept_count' | 'entropy'>> | undefined
  comparing: boolean
  problem?: Problem | undefined
  /** Text in the control of a field that cannot be read, and why. */
  readonly unreadable: Map<string, string>

  /** What a sampler was set to before it was switched off. */
  readonly remembered: Map<string, Fields>
  readonly open: Set<string>
  filter: string
  dragged?: { name: string; before: string | undefined } | undefined
  language: string
  notice: string
  /** What came of a replay, and of copying, in words. */
  said: string
  copied: string
}

export interface Preset {
  readonly id: string
  readonly vocabulary: Vocabulary
  readonly entropy: number
  readonly row: Row
  /** The history, where there is one. */
  readonly context: Fields
}

export interface Raw {
  readonly ids: readonly number[]
  /** ln of the sum of all exponentials, so that any token's probability follows from its logit. */
  readonly logTotal: number
}

export interface Answer {
  readonly row: Row
  readonly fields: Fields
  readonly result: Result
  readonly warnings: readonly Warning[]
}

/** What the row comes to at other temperatures, everything else as it is. */
export interface EntropyCurve {
  readonly temperatures: readonly number[]
  readonly entropies: readonly number[]
}

/** How many of the most likely tokens are shown. */
export const SHOWN = 24

/** The schema of a field, whoever's it is. */
export function schemaOf({ samplers, fields }: Catalogue, name: string): Schema {
  const all = [...samplers.map((sampler) => sampler.fields), ...Object.values(fields)]
  return all.find((schemas) => schemas[name])?.[name] ?? {}
}

/** What a field is, set or not. */
export function fieldOf({ fields, catalogue }: Model, name: string): unknown {
  return fields[name] ?? schemaOf(catalogue, name).default
}

export function samplerOf({ samplers }: Catalogue, name: string): Sampler {
  return samplers.find((sampler) => sampler.name === name)!
}

/** The answer on show: none while there is only one of another row. */
export function answerOf({ answer, row }: Model): Answer | undefined {
  return answer?.row === row ? answer : undefined
}

/** The tokens on show: the most likely before all samplers and after, by their logits. */
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

/** What is wrong with a field: what was written into it, or what the server says of it. */
export function faultOf({ unreadable, problem }: Model, name: string): string | undefined {
  const written = unreadable.get(name)
  if (written) return written
  const fault = problem?.errors.find(({ pointer }) => pointer.split('/')[1] === name)
  if (!fault) return undefined
  const inside = fault.pointer.split('/').slice(2).join(' → ')
  return inside ? `${inside}: ${fault.detail}` : fault.detail
}
