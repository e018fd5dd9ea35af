import * as z from 'zod'
import type { Warning } from '../warning.ts'
import type { RowParams } from './params.ts'
import { profiles } from './profiles/index.ts'
import type { Profile } from './profiles/profile.ts'
import { kelvinOrder, samplerByName } from './registry.ts'
import type { Context, Facts, Rules, Sampler, Step } from './sampler.ts'

/** Steps of an ordinary sampler for each logit. With few tokens in play it takes fewer, with all of them more. */
const PASS = 10

/** The samplers that a set of parameters switches on, in order, and warnings about the parameters. */
export interface Plan {
  steps: PlannedStep[]
  warnings: Warning[]
}

interface PlannedStep {
  sampler: Sampler
  apply: Step
  cost(facts: Facts): number
  /** Whether it may put tokens in play if none is. */
  fillsEmpty: boolean
}

const profileByName: ReadonlyMap<string, Profile> = new Map(
  profiles.map((profile) => [profile.name, profile]),
)

/** Makes plans for the rows of a request. Rows that share parameters share a plan. */
export function planner(): (params: RowParams) => Plan {
  const plans = new Map<RowParams, Plan>()
  return (params) => {
    let planned = plans.get(params)
    if (!planned) {
      planned = plan(params)
      plans.set(params, planned)
    }
    return planned
  }
}

/** Every sampler in Kelvin's order, with its fields and their defaults. */
const all = kelvinOrder.map((name) => {
  const sampler = samplerByName.get(name)!
  const defaults: Record<string, unknown> = z.object(sampler.fields).parse({})
  const fields = Object.keys(sampler.fields).map((field) => ({
    field: field as keyof RowParams,
    fallback: defaults[field],
  }))
  return { name, sampler, fields }
})

export function plan(params: RowParams): Plan {
  const profile = profileByName.get(params.profile)!
  const { order, because, others } = orderOf(params, profile)
  const steps: Plan['steps'] = []
  const warnings: Warning[] = []
  let lastChoice: string | undefined

  for (const name of order) {
    const sampler = samplerByName.get(name)!
    if (!sampler.active(params)) continue
    const rules: Rules = { ...sampler.rules, ...profile.rules[name], ...others?.[name] }
    steps.push({
      sampler,
      cost: (facts) => sampler.cost?.(params, facts) ?? PASS * facts.size,
      apply: (row, context) => sampler.apply(row, params, rules, context),
      fillsEmpty: sampler.fillsEmpty?.(params, rules) ?? false,
    })
    const warning = sampler.warn?.(params, rules)
    if (warning) warnings.push(warning)
    if (lastChoice && sampler.stage !== 'mask') {
      const message = `${name} has no effect: ${lastChoice} leaves a single token`
      warnings.push({ code: 'SAMPLER_WITHOUT_EFFECT', message })
    } else if (!lastChoice && sampler.leavesOne?.(params, rules, params.min_tokens_to_keep)) {
      lastChoice = name
    }
  }

  for (const { name, sampler, fields } of all) {
    if (!sampler.active(params)) {
      // A sampler with a single field is on if that field is set.
      if (fields.length === 1) continue
      for (const { field, fallback } of fields) {
        if (isSet(params[field], fallback)) warnings.push(withoutEffect(field, `${name} is off`))
      }
    } else if (!order.includes(name)) {
      const message = `${name} is set but does not run, because ${because}`
      warnings.push({ code: 'SAMPLER_NOT_RUN', message })
    }
  }
  return { steps, warnings: [...warnings, ...sharedWarnings(params, steps)] }
}

function withoutEffect(what: string, because: string): Warning {
  return { code: 'PARAMETER_WITHOUT_EFFECT', message: `${what} has no effect: ${because}` }
}

/** Warnings about fields that several samplers share. */
function sharedWarnings(
  { penalty_last_n: last, min_tokens_to_keep: minimum }: RowParams,
  steps: PlannedStep[],
): Warning[] {
  const warnings: Warning[] = []
  const users = steps.filter(({ sampler }) => sampler.usesWindow)
  if (last === 0) {
    for (const { sampler } of users) {
      warnings.push(withoutEffect(sampler.name, 'penalty_last_n is 0'))
    }
  } else if (last > 0 && users.length === 0) {
    warnings.push(withoutEffect('penalty_last_n', 'no sampler that uses it is on'))
  }
  const truncates = ({ sampler: { stage } }: PlannedStep) =>
    stage === 'truncation' || stage === 'draw'
  if (minimum > 1 && !steps.some(truncates)) {
    warnings.push(withoutEffect('min_tokens_to_keep', 'no sampler that truncates is on'))
  }
  return warnings
}

/** Warnings about the stop tokens and the state of a row. */
export function contextWarnings(
  { steps }: Plan,
  { stop, state, address }: Pick<Context, 'stop' | 'state'> & { address: { step: bigint } },
): Warning[] {
  const unused = new Set(Object.keys(state))
  const warnings: Warning[] = []
  for (const { sampler } of steps) {
    if (!sampler.needsStop && !sampler.state) continue
    if (sampler.needsStop && stop.length === 0) {
      warnings.push(withoutEffect(sampler.name, 'stop_token_ids is empty'))
    }
    const remembered = Object.keys(sampler.state ?? {})
    const isNew = remembered.length > 0 && !remembered.some((name) => Object.hasOwn(state, name))
    if (isNew && address.step > 0n) {
      const message =
        `${sampler.name} has no state at step ${address.step} and starts from its initial state; ` +
        'send the `state` of the previous answer'
      warnings.push({ code: 'STATE_MISSING', message })
    }
    for (const name of remembered) unused.delete(name)
  }
  for (const name of unused) {
    warnings.push(withoutEffect(`state.${name}`, 'the sampler that it belongs to does not run'))
  }
  return warnings
}

/** The field that an error about a sampler names: the first of its fields that is set. Other names are fields already. */
export function fieldOf(name: string, params: RowParams): string {
  const { fields } = all.find((each) => each.name === name) ?? {}
  if (!fields) return name
  const set = fields.find(({ field, fallback }) => isSet(params[field], fallback))
  return (set ?? fields[0]!).field
}

function isSet(value: unknown, fallback: unknown): boolean {
  return value !== fallback && !(isList(value) && value.length === 0)
}

function isList(value: unknown): value is { length: number } {
  return Array.isArray(value) || ArrayBuffer.isView(value)
}

/** The order of the samplers, the reason why others do not run, and rules that only this order has. */
function orderOf(params: RowParams, profile: Profile) {
  if (params.order) return { order: params.order, because: 'order leaves it out' }
  for (const [name, order] of Object.entries(profile.takeovers ?? {})) {
    if (samplerByName.get(name)!.active(params)) {
      const because = `${profile.title} leaves it out when ${name} is set`
      return { order, because, others: profile.takeoverRules }
    }
  }
  return { order: profile.order, because: `${profile.title} does not have it` }
}
