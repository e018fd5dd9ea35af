import type { Catalogue, Fields, Profile } from './types.ts'

/** The samplers that run, in order: those of the request's `order`, or of its profile. */

export function profileOf(catalogue: Catalogue, fields: Fields): Profile {
  const name = fields.profile ?? catalogue.fields.common.profile!.default
  return catalogue.profiles.find((profile) => profile.name === name) ?? catalogue.profiles[0]!
}

/** The order that a profile uses for these fields: its own, or that of a takeover. */
function profileOrder(catalogue: Catalogue, profile: Profile, fields: Fields): readonly string[] {
  for (const [name, order] of Object.entries(profile.takeovers)) {
    const sampler = catalogue.samplers.find((one) => one.name === name)!
    if (Object.keys(sampler.fields).some((field) => fields[field] !== undefined)) return order
  }
  return profile.order
}

export function orderOf(catalogue: Catalogue, fields: Fields): readonly string[] {
  if (Array.isArray(fields.order)) return fields.order as string[]
  return profileOrder(catalogue, profileOf(catalogue, fields), fields)
}

/** Sets `order`, or removes it if it equals the order of the profile. */
export function withOrder(catalogue: Catalogue, fields: Fields, order: readonly string[]): Fields {
  const { order: _, ...others } = fields
  const usual = orderOf(catalogue, others)
  return usual.join() === order.join() ? others : { ...others, order }
}

/** The list with `name` moved to the place before `before`, or to the end. */
export function moved(order: readonly string[], name: string, before: string | undefined) {
  if (name === before) return order
  const others = order.filter((one) => one !== name)
  const at = before === undefined ? others.length : others.indexOf(before)
  return at < 0 ? order : [...others.slice(0, at), name, ...others.slice(at)]
}

export interface Difference {
  /** Samplers that only the other profile has, and that only this one has. */
  gained: string[]
  lost: string[]
  /** Samplers that both have, in another place of the order. */
  moved: string[]
  /** Rules that the other profile sets differently. */
  rules: { sampler: string; rule: string; value: unknown; here: unknown }[]
}

/** The fewest samplers whose moves turn one order into the other: all except a longest common subsequence. */
function movedBetween(here: readonly string[], there: readonly string[]): string[] {
  const lengths = here.map(() => new Array<number>(there.length).fill(0))
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0
  for (let i = here.length - 1; i >= 0; i--) {
    for (let j = there.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        here[i] === there[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const stayed = new Set<string>()
  for (let i = 0, j = 0; i < here.length && j < there.length; ) {
    if (here[i] === there[j]) {
      stayed.add(here[i]!)
      i++
      j++
    } else if (at(i + 1, j) >= at(i, j + 1)) i++
    else j++
  }
  return there.filter((name) => !stayed.has(name))
}

/** The differences between two profiles. */
export function differenceOf(catalogue: Catalogue, here: Profile, there: Profile): Difference {
  const gained = there.order.filter((name) => !here.order.includes(name))
  const lost = here.order.filter((name) => !there.order.includes(name))
  const both = (order: readonly string[], other: readonly string[]) =>
    order.filter((name) => other.includes(name))
  const rules = catalogue.samplers.flatMap(({ name, rules: own }) => {
    const side = (profile: Profile) => ({
      ...own,
      ...(profile.rules as Record<string, object>)[name],
    })
    const mine: Readonly<Record<string, unknown>> = side(here)
    return Object.entries(side(there))
      .filter(([rule, value]) => mine[rule] !== value && there.order.includes(name as never))
      .map(([rule, value]) => ({ sampler: name, rule, value, here: mine[rule] }))
  })
  return {
    gained,
    lost,
    moved: movedBetween(both(here.order, there.order), both(there.order, here.order)),
    rules,
  }
}
