import { kelvinOrder, samplerByName } from './order.ts'
import type { RowParams } from './params.ts'
import type { Profile } from './profile.ts'
import { profiles } from './profiles/index.ts'
import type { Rules, Step, Warning } from './sampler.ts'

/** What a set of parameters comes to: the samplers they switch on, in order, and what to say of them. */
export interface Plan {
  steps: { name: string; apply: Step }[]
  warnings: Warning[]
}

const profileByName: ReadonlyMap<string, Profile> = new Map(
  profiles.map((profile) => [profile.name, profile]),
)

export function plan(params: RowParams): Plan {
  const profile = profileByName.get(params.profile)!
  const order = params.order ?? profile.order
  const steps: Plan['steps'] = []
  const warnings: Warning[] = []

  for (const name of order) {
    const sampler = samplerByName.get(name)!
    const rules: Rules = { ...sampler.rules, ...profile.rules[name] }
    const apply = sampler.prepare(params, rules)
    if (!apply) continue
    steps.push({ name, apply })
    const warning = sampler.warn?.(params, rules)
    if (warning) warnings.push(warning)
  }

  for (const name of kelvinOrder) {
    if (order.includes(name) || !samplerByName.get(name)!.active(params)) continue
    const why = params.order ? 'order leaves it out' : `${profile.title} does not have it`
    warnings.push({ code: 'SAMPLER_NOT_RUN', message: `${name} is set but does not run: ${why}` })
  }
  return { steps, warnings }
}
