import type { Limits } from './intake/files.ts'
import type { Scene } from './scene.ts'
import type { Catalogue, Fields, Problem, Result, Sampler, Schema } from './types.ts'

/** A part of the state that has changed. The page updates everything that depends on it. */
export type Change = 'row' | 'fields' | 'view'

/** The state of the page. Everything on screen is made from it. */
export interface Model {
  readonly catalogue: Catalogue
  readonly limits: Limits
  /** The settings of the request. The temperature is that of the dial. */
  fields: Fields
  /** The seed of the texts. Draws of a single word have the seed of `fields`. */
  textSeed: string
  /** The row under the dial, and the text at its temperature. */
  readonly dial: Scene
  /** The same beginning at three temperatures. */
  readonly three: Scene

  curve: EntropyCurve | undefined
  /** The results of other profiles with the same settings. Only asked for while the comparison is open. */
  compared: ReadonlyMap<string, Pick<Result, 'kept_count' | 'entropy'>> | undefined
  isComparing: boolean
  /** Errors about text in controls, by field. */
  readonly unreadable: Map<string, string>
  /** The settings of samplers that were switched off, to restore them. */
  readonly remembered: Map<string, Fields>

  isShowingSteps: boolean
  isShowingMore: boolean
  /** Whether the list of samplers that are not common is open. */
  isShowingAll: boolean
  isReordering: boolean
  readonly open: Set<string>
  filter: string
  dragged: { name: string; before: string | undefined } | undefined
  language: string
  /** What the user must know about the last file, paste or link. */
  notice: string
  /** Messages about the last replay and the last copy. */
  said: string
  copied: string
}

/** The entropy of the row at other temperatures, with all other fields as they are. */
export interface EntropyCurve {
  readonly temperatures: readonly number[]
  readonly entropies: readonly number[]
}

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

export function temperatureOf(fields: Fields): number {
  return (fields.temperature ?? 1) as number
}

/** The error about a field: its text cannot be read, or the server refuses its value. */
export function faultOf({ unreadable, dial }: Model, name: string): string | undefined {
  const written = unreadable.get(name)
  if (written) return written
  return faultIn(dial.problem, name)
}

function faultIn(problem: Problem | undefined, name: string): string | undefined {
  const fault = problem?.errors.find(({ pointer }) => pointer.split('/')[1] === name)
  if (!fault) return undefined
  const inside = fault.pointer.split('/').slice(2).join(' → ')
  return inside ? `${inside}: ${fault.detail}` : fault.detail
}

/** The settings of a scene: those of the page, with the temperature of the column in which the word is. */
export function settingsOf({ fields }: Model, { name, tale, at }: Scene): Fields {
  if (name === 'dial' || !tale) return fields
  const { n: _, ...others } = fields
  return { ...others, temperature: tale.columns[at?.column ?? 0]!.writtenAt }
}

/** Whether the numbers on screen are not those of the present settings. */
export function isStale(model: Model, scene: Scene): boolean {
  const { answer, row } = scene
  if (answer?.row !== row) return true
  return (
    answer !== undefined &&
    JSON.stringify(answer.fields) !== JSON.stringify(settingsOf(model, scene))
  )
}
