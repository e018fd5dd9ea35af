import type { samplers } from '../samplers/index.ts'

export type SamplerName = (typeof samplers)[number]['name']

type RulesOf<Name extends SamplerName> = Extract<(typeof samplers)[number], { name: Name }>['rules']

type ProfileRules = { readonly [Name in SamplerName]?: Partial<RulesOf<Name>> }

/** An engine to agree with: the order it runs samplers in, and its side where engines disagree. */
export interface Profile<Name extends string = string> {
  readonly name: Name
  readonly title: string
  /** What following it means, in one sentence. */
  readonly meaning: string
  readonly reference: { readonly title: string; readonly url: string }
  /** A sampler the engine lacks is not here, and does not run under its profile. */
  readonly order: readonly SamplerName[]
  /** Samplers that, switched on, put an order of their own in its place. */
  readonly takeovers?: { readonly [Name in SamplerName]?: readonly SamplerName[] }
  /** Differences to the samplers' own rules. */
  readonly rules: ProfileRules
  /** Those of `takeovers` alone. */
  readonly takeoverRules?: ProfileRules
}

export function defineProfile<const Name extends string>(profile: Profile<Name>): Profile<Name> {
  return Object.freeze(profile)
}
