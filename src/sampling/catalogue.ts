import * as z from 'zod'
import { kelvinOrder, samplerByName } from './order.ts'
import { addressFields, commonFields, contextFields, drawFields, scoreFields } from './params.ts'
import type { Profile } from './profile.ts'
import { profiles } from './profiles/index.ts'

const describe = (shape: z.ZodRawShape) =>
  z.toJSONSchema(z.object(shape), { io: 'input' }).properties ?? {}

export type Catalogue = ReturnType<typeof catalogue>

/** Everything there is to know about the samplers and profiles, as data. */
export function catalogue() {
  return {
    samplers: kelvinOrder.map((name) => {
      const { title, meaning, reference, stage, fields, rules, example, state } =
        samplerByName.get(name)!
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
      ({ name, title, meaning, reference, order, takeovers, takeoverRules, rules }: Profile) => ({
        name,
        title,
        meaning,
        reference,
        order,
        takeovers: takeovers ?? {},
        takeover_rules: takeoverRules ?? {},
        rules,
      }),
    ),
    fields: {
      common: describe(commonFields),
      context: describe(contextFields),
      draw: describe(drawFields),
      address: describe(addressFields),
      score: describe(scoreFields),
    },
  }
}
