import * as z from 'zod'
import { formOf } from '../fields/form.ts'
import { withoutDefault } from '../fields/parsed.ts'
import {
  addressFields,
  commonFields,
  contextFields,
  drawFields,
  scoreFields,
} from '../sampling/params.ts'
import { profiles } from '../sampling/profiles/index.ts'
import type { Profile } from '../sampling/profiles/profile.ts'
import { kelvinOrder, samplerByName } from '../sampling/registry.ts'

/** Fields as JSON schemas. `x-form` is how each is written as text. */
function describe(shape: z.ZodRawShape): Record<string, object> {
  const { properties = {} } = z.toJSONSchema(z.object(shape), { io: 'input' })
  return Object.fromEntries(
    Object.entries(shape).map(([name, field]) => {
      const { kind, isList, isLong } = formOf(field)
      const inner = withoutDefault(field)
      return [
        name,
        {
          ...(properties[name] as object),
          ...(inner instanceof z.ZodObject && { properties: describe(inner.shape) }),
          'x-form': isList ? `${kind}[]` : isLong ? 'json' : kind,
        },
      ]
    }),
  )
}

export type Catalogue = ReturnType<typeof catalogue>

/** The samplers, profiles and fields as data: the answer of `GET /v1/samplers`. */
export function catalogue() {
  return {
    samplers: kelvinOrder.map((name) => {
      const {
        title,
        meaning,
        reference,
        stage,
        isCommon = false,
        fields,
        rules,
        example,
        state,
      } = samplerByName.get(name)!
      return {
        name,
        title,
        meaning,
        reference,
        stage,
        is_common: isCommon,
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
