import * as z from 'zod'
import { list } from '../fields/list.ts'
import { withoutDefault } from '../fields/parsed.ts'
import { perRow, vocabularyChecks } from '../fields/registries.ts'
import { tokenHistory, tokenIds, tokenMarks } from '../fields/token-ids.ts'
import { u64 } from '../fields/u64.ts'
import { profiles } from './profiles/index.ts'
import { kelvinOrder, type SamplerName, samplerByName } from './registry.ts'
import type { samplers } from './samplers/index.ts'

type Intersection<U> = (U extends unknown ? (u: U) => void : never) extends (i: infer I) => void
  ? I
  : never
type SamplerFields = Intersection<(typeof samplers)[number]['fields']>

/** The fields of all samplers, in Kelvin's order. */
const samplerFields = Object.assign(
  {},
  ...kelvinOrder.map((name) => samplerByName.get(name)!.fields),
) as SamplerFields

const profileNames = profiles.map((profile) => profile.name)

const SamplerNames = z
  .enum(kelvinOrder as [SamplerName, ...SamplerName[]])
  .meta({ title: 'SamplerName' })

/** Fields that several samplers share. */
export const commonFields = {
  min_tokens_to_keep: z
    .int()
    .min(1)
    .meta({
      description:
        'Number of tokens that truncation must leave; masks may leave fewer. 1 only protects the most likely token (off).',
    })
    .default(1),
  penalty_last_n: z
    .int()
    .min(-1)
    .meta({
      description:
        'Number of tokens, from the end of prompt and output together, that the repetition, frequency and presence penalties look at. −1 is all of them; 0 is none (off).',
      'x-typical': [64, 1024],
    })
    .default(-1),
  profile: z
    .enum(profileNames)
    .meta({
      title: 'ProfileName',
      description:
        'Engine to follow: its order of samplers, and its rules where engines disagree. `GET /v1/samplers` lists both.',
    })
    .default('kelvin'),
  order: list(SamplerNames, {
    description:
      'Names of the samplers to run, in this order, instead of the order of the profile. A sampler that is not in it does not run. Omitted: the order of the profile.',
    maxItems: kelvinOrder.length,
  })
    .refine((names) => new Set(names).size === names.length, 'Expected each sampler once')
    .optional(),
}

/** The fields that change the distribution of a row. */
export const samplingFields = { ...samplerFields, ...commonFields }

const stateShape = Object.assign(
  {},
  ...kelvinOrder.map((name) => samplerByName.get(name)!.state ?? {}),
) as Record<string, z.ZodType<number>>

const MARKS =
  'An id outside the vocabulary, such as −1 for padding or an image, is an error only if a sampler would change its logit.'

/** The fields that samplers read in addition to logits and parameters. */
export const contextFields = {
  prompt_token_ids: tokenHistory(
    `Token ids of the prompt: a list, or for a batch a list for each row. Penalties and n-gram rules look at them. ${MARKS}`,
  ).prefault([]),
  output_token_ids: tokenHistory(
    `Token ids generated so far: a list, or for a batch a list for each row. Penalties and n-gram rules look at them. ${MARKS}`,
  ).prefault([]),
  stop_token_ids: tokenMarks(
    `Token ids that end a text, for samplers that make the end more or less likely. ${MARKS} []: no stop tokens (off).`,
  ).prefault([]),
  state: z
    .strictObject(
      Object.fromEntries(
        Object.entries(stateShape).map(([name, value]) => [name, value.optional()]),
      ),
    )
    .meta({
      title: 'State',
      description:
        'The `state` of the answer to the previous step, for samplers with a state. Omitted: the first step.',
    })
    .optional(),
}

/** The fields that select the random numbers. */
export const addressFields = {
  seed: u64(
    'First part of the address of the random numbers; `stream` and `step` are the others. The same address always draws the same tokens. Omitted: the server draws a seed, and the answer has it.',
    { hint: 'omit it for a random seed' },
  ).optional(),
  stream: u64(
    'Second part of the address, which tells apart rows that share a seed. Omitted: 0 for a row with a `seed` of its own in `rows`, otherwise the index of the row in the batch.',
    { hint: 'it selects random numbers and does not stream the answer; omit it' },
  ).optional(),
  step: u64(
    'Position in the generated text, the third part of the address. Keep the seed for a whole text, and add 1 to the step for each token.',
    {
      max: 2n ** 53n - 1n,
    },
  ).prefault(0),
}

/** The fields of the draw. */
export const drawFields = {
  n: z
    .int()
    .min(1)
    .max(65_536)
    .meta({ description: 'Number of tokens to draw for each row.' })
    .default(1),
  replacement: z
    .boolean()
    .meta({
      description:
        'Whether a token may be drawn more than once. If false, at least n tokens must be left, otherwise the answer is a 422.',
    })
    .default(true),
}

/** The fields that add reports to the answer. */
export const scoreFields = {
  top_logprobs: z
    .int()
    .min(0)
    .meta({
      description: 'Number of the most likely tokens to report in `top`. 0 reports none (off).',
    })
    .default(0),
  logprob_token_ids: tokenIds(
    'Token ids to report in `scored`, with logprob and rank. [] reports none (off). An id outside the vocabulary is an error.',
  ).prefault([]),
  trace: z
    .boolean()
    .meta({
      description:
        'Whether to report in `trace` what each sampler did: tokens kept, probability removed, entropy. false reports nothing (off).',
    })
    .default(false),
  watch_token_ids: tokenIds(
    'Token ids to report in `watched`, each with its logit, what samplers made of it, and its probability or the sampler that removed it. [] reports none (off). An id outside the vocabulary is an error.',
  ).prefault([]),
  logprobs_mode: z
    .enum(['processed', 'raw'])
    .meta({
      title: 'LogprobsMode',
      description:
        'Distribution that logprobs, `top` and `scored` refer to: `processed` is after all samplers, `raw` is of the logits as sent.',
    })
    .default('processed'),
}

const rowFields = z.strictObject({ ...samplingFields, ...scoreFields })

/** The parameters of one row, with defaults. */
export type RowParams = z.output<typeof rowFields>

const everyField = Object.entries({ ...rowFields.shape, ...contextFields })

const checked = everyField.flatMap(([field, schema]) => {
  const check = vocabularyChecks.get(withoutDefault(schema))
  return check ? [{ field, check }] : []
})

/** The fields that may have a value for each row of a batch. */
export const perRowFields = everyField.flatMap(([field, schema]) => {
  const value = perRow.get(withoutDefault(schema))
  return value ? [{ field, split: value.split }] : []
})

/** The first value that does not fit a vocabulary of this size, if any. */
export function findMisfit(params: Readonly<Record<string, unknown>>, vocabSize: number) {
  for (const { field, check } of checked) {
    const value = params[field]
    const misfit = value === undefined ? undefined : check.misfit(value, vocabSize)
    if (misfit) return { ...misfit, path: [field, ...misfit.path] }
  }
  return undefined
}
