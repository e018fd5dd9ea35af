import type { samplers } from '../samplers/index.ts'

export type SamplerName = (typeof samplers)[number]['name']

type RulesOf<Name extends SamplerName> = Extract<(typeof samplers)[number], { name: Name }>['rules']

type ProfileRules = { readonly [Name in SamplerName]?: Partial<RulesOf<Name>> }

/** An engine to follow: its order of samplers, and its rules where engines disagree. */
export interface Profile<Name extends string = string> {
  readonly name: Name
  readonly title: string
  /** How the engine samples, in one sentence. */
  readonly meaning: string
  readonly reference: { readonly title: string; readonly url: string }
  /** A sampler that is not in the order does not run under this profile. */
  readonly order: readonly SamplerName[]
  /** Samplers that replace the order while they are on, with their orders. */
  readonly takeovers?: { readonly [Name in SamplerName]?: readonly SamplerName[] }
  /** The rules that differ from the samplers' own. */
  readonly rules: ProfileRules
  /** Further rules that differ while a takeover is on. */
  readonly takeoverRules?: ProfileRules
}

export function defineProfile<const Name extends string>(profile: Profile<Name>): Profile<Name> {
  return Object.freeze(profile)
}
