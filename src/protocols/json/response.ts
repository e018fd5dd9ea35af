import * as z from 'zod'
import { answerAmounts } from '../../request/limits.ts'
import type { AnswerForm } from '../../request/operations.ts'
import type { RequestRow } from '../../request/request-row.ts'
import type { RowResult } from '../../sampling/sample.ts'
import type { Hold, Steps } from '../steps.ts'
import { LongList, PART, toArray, writeJson } from './write.ts'

const Probability = z.number().min(0).max(1)
const Logprob = z
  .number()
  .max(0)
  .nullable()
  .meta({ description: 'A natural logarithm; null for probability 0.' })
const TokenId = z
  .int()
  .min(0)
  .max(2 ** 31 - 1)

const distribution = {
  probabilities: z
    .array(Probability)
    .meta({ title: 'ProbabilityList' })
    .or(
      z
        .strictObject({
          dtype: z.literal('float32').meta({ title: 'ProbabilityDtype' }),
          shape: z.array(z.int().min(1)).length(1).meta({ description: '[vocabulary size].' }),
          data: z.string().meta({
            description: 'The elements, little-endian, as padded standard base64.',
            contentEncoding: 'base64',
          }),
        })
        .meta({ title: 'ProbabilityTensor', description: 'Probabilities in base64.' }),
    )
    .optional()
    .meta({
      title: 'Probabilities',
      description: 'One for each vocabulary entry; 0 for a token that was removed.',
    }),
  kept: z
    .strictObject({ token_ids: z.array(TokenId), probabilities: z.array(Probability) })
    .optional()
    .meta({ title: 'KeptTokens', description: 'The tokens left, by ascending id.' }),
  top: z
    .strictObject({
      token_ids: z.array(TokenId),
      probabilities: z.array(Probability),
      logprobs: z.array(Logprob),
    })
    .optional()
    .meta({
      title: 'TopTokens',
      description:
        'The most likely tokens, in descending order; of tied tokens, the lower id first.',
    }),
  scored: z
    .strictObject({
      token_ids: z.array(TokenId),
      logprobs: z.array(Logprob),
      ranks: z.array(z.int().min(1).nullable()),
    })
    .optional()
    .meta({
      title: 'ScoredTokens',
      description:
        'The tokens of `logprob_token_ids`. Rank 1 is the most likely token. The rank of a removed token is null.',
    }),
  trace: z
    .array(
      z
        .strictObject({
          sampler: z.string(),
          kept_before: z.int(),
          kept_after: z.int(),
          mass_removed: Probability.meta({
            description:
              'Share of the probability, in the distribution before the sampler, of the tokens that it removed.',
          }),
          entropy_before: z.number().min(0),
          entropy_after: z.number().min(0),
          threshold: z.number().nullable().meta({
            description:
              'The smallest logit kept, after biases and before temperature; null if the sampler did not cut the ranking of logits.',
          }),
          dropped_token_ids: z
            .array(TokenId)
            .meta({ description: 'The watched tokens that the sampler removed.' }),
        })
        .meta({ title: 'TraceStep', description: 'What one sampler did.' }),
    )
    .optional()
    .meta({ description: 'What each sampler did, in the order they ran. Entropies are in nats.' }),
  watched: z
    .array(
      z
        .strictObject({
          token_id: TokenId,
          dropped_by: z.string().nullable().meta({
            description:
              'The sampler that removed it, `logits` if its logit was −∞ or a sparse row leaves it out, or null if it is left.',
          }),
          logit: z.number().nullable().meta({
            description:
              'The logit as it came, as float32; null if it was −∞ or a sparse row leaves it out.',
          }),
          path: z
            .array(
              z
                .strictObject({
                  sampler: z.string(),
                  logit: z.number().nullable().meta({
                    description:
                      'The logit after the sampler; null if the sampler removed the token.',
                  }),
                  threshold: z.number().nullable().meta({
                    description:
                      'The smallest logit kept, if a cut of the ranking of logits removed the token; otherwise null. Of tokens with this logit, lower ids may be kept.',
                  }),
                })
                .meta({
                  title: 'PathStep',
                  description: 'What one sampler did to a watched token.',
                }),
            )
            .meta({
              description:
                'The samplers that changed its logit or removed it, in the order they ran. All logits are after biases and before temperature, as in `trace`, so they can be compared. Temperature below 1e100 changes none of them, and a bias added after temperature counts times the temperature.',
            }),
          probability: Probability.nullable().meta({
            description:
              'The probability after all samplers, whatever `logprobs_mode` is; null if it was removed.',
          }),
          rank: z.int().min(1).nullable().meta({
            description: 'The rank after all samplers; null if it was removed.',
          }),
        })
        .meta({ title: 'WatchedToken', description: 'The way of a watched token.' }),
    )
    .optional()
    .meta({
      description:
        'The way of each token of `watch_token_ids` through the samplers, each token once.',
    }),
  kept_count: z.int().min(1).meta({ description: 'Number of tokens that the samplers left.' }),
  entropy: z.number().min(0).meta({ description: 'Entropy of the final distribution, in nats.' }),
  normalization: z.enum(['full', 'candidates']).optional().meta({
    title: 'Normalization',
    description:
      'For sparse rows. `full`: probabilities refer to the whole vocabulary. `candidates`: they refer to the tokens given, because others could change the answer, or because the draw was among those given. Ranks, `top`, `kept_count` and the entropy count the tokens given. With `raw`, logprobs are those of the whole row if `log_z` is given.',
  }),
  given_mass: Probability.optional().meta({
    description:
      'For sparse rows: the share that the kept tokens have of the distribution over the whole vocabulary. Omitted if it is not known.',
  }),
}

const state = z
  .record(z.string(), z.number())
  .optional()
  .meta({ description: 'What samplers remember. Send it with the next step.' })

const draw = {
  token_ids: z.array(TokenId).meta({ description: 'The drawn tokens, in the order of the draws.' }),
  logprobs: z
    .array(Logprob)
    .meta({ description: 'Logprob of each drawn token, in the distribution of `logprobs_mode`.' }),
}

const address = {
  seed: z
    .string()
    .meta({ description: 'Seed of the draw. With stream and step it repeats the draw.' }),
  stream: z.string(),
  step: z.int(),
}

const warnings = z
  .array(
    z
      .strictObject({ code: z.string(), message: z.string(), row: z.int().min(0) })
      .meta({ title: 'Warning', description: 'A note about one row.' }),
  )
  .meta({
    description: 'Notes about parameters that do not do what the caller may expect, row by row.',
  })

export const SampleResponse = z
  .strictObject({
    results: z.array(
      z
        .strictObject({ ...draw, ...distribution, ...address, state })
        .meta({ title: 'SampleResult', description: 'The result of one row.' }),
    ),
    warnings,
  })
  .meta({ title: 'SampleAnswer', description: 'One result for each row, in order.' })

export const ProbabilitiesResponse = z
  .strictObject({
    results: z.array(
      z.strictObject({ ...distribution, ...z.object(address).partial().shape }).meta({
        title: 'ProbabilitiesResult',
        description: 'The result of one row, without a draw.',
      }),
    ),
    warnings,
  })
  .meta({ title: 'ProbabilitiesAnswer', description: 'One result for each row, in order.' })

type Warnings = z.output<typeof warnings>

/** An answer lists at most this many warnings, and counts the others. */
const MOST_WARNINGS = 1024

/** Writes an answer as JSON text. Each row is written before the next is sampled. */
export function* encode(
  rows: readonly RequestRow[],
  results: Iterable<RowResult | undefined>,
  hold: Hold = () => {},
): Steps {
  const warned: Warnings = []
  let leftOut = 0
  let row = 0
  for (const result of results) {
    if (!result) {
      yield undefined
      continue
    }
    const held = countBytes(rows[row]!)
    hold(held)
    const encoded = encodeRow(result, rows[row]!.answer)
    for (const warning of result.warnings) {
      if (warned.length < MOST_WARNINGS) warned.push({ ...warning, row })
      else leftOut++
    }
    yield row === 0 ? '{"results":[' : ','
    yield* writeJson(encoded)
    hold(-held)
    row++
  }
  if (leftOut > 0) {
    const message = `${leftOut} more warnings are left out, for this row and later ones; send fewer rows to read them`
    warned.push({ code: 'WARNINGS_LEFT_OUT', message, row: warned.at(-1)!.row })
  }
  yield `],"warnings":${JSON.stringify(warned)}}`
}

/** An upper bound of the bytes of a number. In an array, V8 may store it as an object. */
const NUMBER = 24

/** An upper bound of the bytes that the numbers of a row take until they are written. */
function countBytes(row: RequestRow): number {
  return answerAmounts(row).reduce((sum, { amount }) => sum + NUMBER * amount, 0)
}

function encodeRow(result: RowResult, { encoding }: AnswerForm) {
  const { drawn, address, state } = result
  return {
    ...(drawn && { token_ids: drawn.token_ids, logprobs: drawn.logprobs }),
    ...encodeProbabilities(result, encoding),
    ...(result.top && { top: result.top }),
    ...(result.scored && { scored: result.scored }),
    ...(result.trace && { trace: result.trace }),
    ...(result.watched && { watched: result.watched }),
    kept_count: result.kept_count,
    entropy: result.entropy,
    ...(result.normalization && { normalization: result.normalization }),
    ...(result.given_mass !== undefined && { given_mass: result.given_mass }),
    ...(address && {
      seed: String(address.seed),
      stream: String(address.stream),
      step: Number(address.step),
    }),
    ...(state && { state }),
  }
}

/** A list that may be long. */
const list = (values: Float32Array | Float64Array | Uint32Array) =>
  values.length <= PART ? toArray(values) : new LongList([values])

function encodeProbabilities({ kept, probabilities }: RowResult, encoding: AnswerForm['encoding']) {
  if (kept) {
    return { kept: { token_ids: list(kept.token_ids), probabilities: list(kept.probabilities) } }
  }
  if (!probabilities) return {}
  if (encoding === 'json') return { probabilities: list(probabilities) }
  return {
    probabilities: {
      dtype: 'float32',
      shape: [probabilities.length],
      data: new Uint8Array(probabilities.buffer).toBase64(),
    },
  }
}
