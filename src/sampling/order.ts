import { type Sampler, stages } from './sampler.ts'
import { samplers } from './samplers/index.ts'

export type SamplerName = (typeof samplers)[number]['name']

/** Every sampler by name. */
export const samplerByName: ReadonlyMap<string, Sampler> = new Map(
  samplers.map((sampler) => [sampler.name, sampler as unknown as Sampler]),
)

/**
 * Kelvin's own order: stage by stage, and inside a stage as the samplers' `after` says; what that
 * leaves open is decided by name, so the order never depends on how files are listed.
 */
export const kelvinOrder: readonly SamplerName[] = stages.flatMap((stage) => {
  const waiting = samplers
    .filter((sampler) => sampler.stage === stage)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const placed: SamplerName[] = []
  while (waiting.length > 0) {
    const ready = waiting.findIndex(({ after = [] }: Pick<Sampler, 'after'>) =>
      after.every((name) => (placed as readonly string[]).includes(name)),
    )
    if (ready < 0) {
      const stuck = waiting.map((sampler) => sampler.name).join(', ')
      throw new Error(`Cannot order ${stuck}: "after" names no sampler of the stage, or a cycle`)
    }
    placed.push(...waiting.splice(ready, 1).map((sampler) => sampler.name))
  }
  return placed
})
