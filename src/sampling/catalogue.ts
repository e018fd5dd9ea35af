import * as z from 'zod'
import { kelvinOrder, samplerByName } from './order.ts'
import type { Profile } from './profile.ts'
import { profiles } from './profiles/index.ts'

/** Everything there is to know about the samplers and profiles, as data. */
export function catalogue() {
  return {
    samplers: kelvinOrder.map((name) => {
      const { title, meaning, reference, stage, fields, rules, example, state } =
        samplerByName.get(name)!
      const describe = (shape: z.ZodRawShape) =>
        z.toJSONSchema(z.object(shape), { io: 'input' }).properties ?? {}
      return {
        name,
        title,
        meaning,
        reference,
        stage,
        fields: describe(fields),
        ...(state && { state: describe(state) }),
        rules,
        example,
      }
    }),
    profiles: profiles.map(
      ({ name, title, meaning, reference, order, takeovers, rules }: Profile) => ({
        name,
        title,
        meaning,
        reference,
        order,
        takeovers: takeovers ?? {},
        rules,
      }),
    ),
  }
}
