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

/** Every sampler's fields, side by side, in the order the samplers run. */
const samplerFields = Object.assign(
  {},
  ...kelvinOrder.map((name) => samplerByName.get(name)!.fields),
) as SamplerFields

const profileNames = profiles.map((profile) => profile.name)

const SamplerNames = z
  .enum(kelvinOrder as [SamplerName, ...SamplerName[]])
  .meta({ title: 'SamplerName' })

/** What concerns samplers together. */
export const commonFields = {
  min_tokens_to_keep: z
    .int()
    .min(1)
    .meta({
      description:
        'Truncation never leaves fewer tokens than this; masks may. 1 only protects the most likely token (off).',
    })
    .default(1),
  penalty_last_n: z
    .int()
    .min(-1)
    .meta({
      description:
        'How many of the last tokens, of prompt and output together, the repetition, frequency and presence penalties look at. ' +
        '−1 is all of them, 0 none (off).',
      'x-typical': [64, 1024],
    })
    .default(-1),
  profile: z
    .enum(profileNames)
    .meta({
      title: 'ProfileName',
      description:
        'The engine to agree with: its order of samplers, and its side where engines disagree. See GET /v1/samplers.',
    })
    .default('kelvin'),
  order: list(SamplerNames, {
    description:
      'The samplers to run, in this order, in place of the profile’s. One that is left out does not run.',
    maxItems: kelvinOrder.length,
  })
    .refine((names) => new Set(names).size === names.length, 'Expected each sampler once')
    .optional(),
}

/** What shapes the distribution of a row. */
export const samplingFields = { ...samplerFields, ...commonFields }

const stateShape = Object.assign(
  {},
  ...kelvinOrder.map((name) => samplerByName.get(name)!.state ?? {}),
) as Record<string, z.ZodType<number>>

const MARKS =
  'Ids outside the vocabulary, such as −1 for padding or an image, are an error only where a sampler would change their logits.'

/** What a row's sampling may look at beside its logits. */
export const contextFields = {
  prompt_token_ids: tokenHistory(
    `The tokens given to the model: a list, or for a batch a list for each row. Penalties and n-gram rules look at them. ${MARKS}`,
  ).prefault([]),
  output_token_ids: tokenHistory(
    `The tokens generated so far: a list, or for a batch a list for each row. Penalties and n-gram rules look at them. ${MARKS}`,
  ).prefault([]),
  stop_token_ids: tokenMarks(
    `The tokens that end a text, for samplers that put its end off or hasten it. ${MARKS} [] knows none (off).`,
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
        'What the previous step’s answer had under `state`, for samplers that remember. Absent: the first step.',
    })
    .optional(),
}

/** Which random numbers to use. */
export const addressFields = {
  seed: u64(
    'With stream and step, the address of the random numbers. The same address draws the same tokens, always. ' +
      'Absent: the server draws a seed, and the answer carries it.',
    { hint: 'omit it for a random one' },
  ).optional(),
  stream: u64(
    'Tells apart rows that share a seed. Absent: 0 for a row that has a seed of its own in `rows`, else the index of the row in the batch.',
    { hint: 'it tells apart random numbers, and no answer is streamed: leave it out' },
  ).optional(),
  step: u64('The position in the generated text, so that one seed serves a whole sequence.', {
    max: 2n ** 53n - 1n,
  }).prefault(0),
}

/** How many tokens to draw. */
export const drawFields = {
  n: z
    .int()
    .min(1)
    .max(65_536)
    .meta({ description: 'How many tokens to draw for each row.' })
    .default(1),
  replacement: z
    .boolean()
    .meta({
      description:
        'Whether a token may be drawn more than once. Without replacement at least n tokens must be left, else the answer is a 422.',
    })
    .default(true),
}

/** What to report of the distribution beside the draw. */
export const scoreFields = {
  top_logprobs: z
    .int()
    .min(0)
    .meta({
      description: 'How many of the most likely tokens to report in `top`. 0 reports none (off).',
    })
    .default(0),
  logprob_token_ids: tokenIds(
    'Tokens to report in `scored`, with logprob and rank. [] reports none (off). An id outside the vocabulary is an error.',
  ).prefault([]),
  trace: z
    .boolean()
    .meta({
      description:
        'Whether to report in `trace` what each sampler did: tokens kept, probability removed, entropy. false reports nothing (off).',
    })
    .default(false),
  watch_token_ids: tokenIds(
    'Tokens to report in `watched`: which sampler dropped each. [] reports none (off). An id outside the vocabulary is an error.',
  ).prefault([]),
  logprobs_mode: z
    .enum(['processed', 'raw'])
    .meta({
      title: 'LogprobsMode',
      description:
        'Which distribution logprobs, `top` and `scored` are about: after all samplers, or of the logits as sent.',
    })
    .default('processed'),
}

const rowFields = z.strictObject({ ...samplingFields, ...scoreFields })

/** The parameters of one row, defaults filled in. */
export type RowParams = z.output<typeof rowFields>

const everyField = Object.entries({ ...rowFields.shape, ...contextFields })

const checked = everyField.flatMap(([field, schema]) => {
  const check = vocabularyChecks.get(withoutDefault(schema))
  return check ? [{ field, check }] : []
})

/** Fields that a batch gives as one value for each row. */
export const perRowFields = everyField.flatMap(([field, schema]) => {
  const value = perRow.get(withoutDefault(schema))
  return value ? [{ field, split: value.split }] : []
})

/** The first value, if any, that a vocabulary of this size does not have. */
export function findMisfit(params: Readonly<Record<string, unknown>>, vocabSize: number) {
  for (const { field, check } of checked) {
    const value = params[field]
    const misfit = value === undefined ? undefined : check.misfit(value, vocabSize)
    if (misfit) return { ...misfit, path: [field, ...misfit.path] }
  }
  return undefined
}
