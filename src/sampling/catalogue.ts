import * as z from 'zod'
import { kelvinOrder, samplerByName } from './order.ts'
import { profiles } from './profiles/index.ts'

/** Everything there is to know about the samplers and profiles, as data. */
export function catalogue() {
  return {
    samplers: kelvinOrder.map((name) => {
      const { title, meaning, reference, stage, fields, rules, example } = samplerByName.get(name)!
      const { properties } = z.toJSONSchema(z.object(fields), { io: 'input' })
      return { name, title, meaning, reference, stage, fields: properties ?? {}, rules, example }
    }),
    profiles: profiles.map(({ name, title, meaning, reference, order, rules }) => ({
      name,
      title,
      meaning,
      reference,
      order,
      rules,
    })),
  }
}
