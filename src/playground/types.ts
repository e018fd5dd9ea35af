import type * as z from 'zod'
import type { ProbabilitiesResponse, SampleResponse } from '../protocols/json/response.ts'
import type { ProblemDocument } from '../protocols/problem.ts'
import type { Catalogue as AnyCatalogue } from '../request/catalogue.ts'

/** The types of the API, taken from the server's schemas. */

export type SampleAnswer = z.output<typeof SampleResponse>
export type ProbabilitiesAnswer = z.output<typeof ProbabilitiesResponse>
export type Result = SampleAnswer['results'][number]
export type Warning = SampleAnswer['warnings'][number]
export type TraceStep = NonNullable<Result['trace']>[number]
export type Watched = NonNullable<Result['watched']>[number]
export type Problem = z.output<typeof ProblemDocument>

/** The part of JSON Schema that fields of the catalogue use. */
export interface Schema {
  type?: 'number' | 'integer' | 'boolean' | 'string' | 'array' | 'object'
  enum?: readonly (string | number)[]
  anyOf?: readonly Schema[]
  items?: Schema
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  minimum?: number
  maximum?: number
  default?: unknown
  description?: string
  'x-typical'?: readonly [low: number, high: number]
  /** The form of the field outside JSON. */
  'x-form'?: string
}
export type Schemas = Readonly<Record<string, Schema>>

export type Sampler = Omit<AnyCatalogue['samplers'][number], 'fields'> & { fields: Schemas }
export type Profile = AnyCatalogue['profiles'][number]
export interface Catalogue {
  samplers: readonly Sampler[]
  profiles: readonly Profile[]
  fields: Readonly<Record<keyof AnyCatalogue['fields'], Schemas>>
}

/** The fields of a request, except its logits. Omitted fields have their defaults. */
export type Fields = Readonly<Record<string, unknown>>

/** A row of logits, and its origin. */
export interface Row {
  readonly name: string
  readonly logits: Float32Array
}

/** Words by token id. */
export interface Vocabulary {
  readonly name: string
  readonly words: readonly (string | undefined)[]
}
