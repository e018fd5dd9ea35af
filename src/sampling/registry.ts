import { kelvin } from './profiles/kelvin.ts'
import type { SamplerName } from './profiles/profile.ts'
import type { Sampler } from './sampler.ts'
import { samplers } from './samplers/index.ts'

export type { SamplerName }

/** Every sampler by name. */
export const samplerByName: ReadonlyMap<string, Sampler> = new Map(
  samplers.map((sampler) => [sampler.name, sampler as unknown as Sampler]),
)

/** Every sampler, in Kelvin's own order. */
export const kelvinOrder: readonly SamplerName[] = kelvin.order
