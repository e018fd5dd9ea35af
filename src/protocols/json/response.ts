import * as z from 'zod'
import { probabilities } from '../../sampling/distribution.ts'
import type { RowRequest, RowResult } from '../../sampling/pipeline.ts'
import { type ProbabilitiesRequest, SMALL_VOCABULARY } from './request.ts'
import { encodeTensor } from './tensor.ts'

const Probability = z.number().min(0).max(1)
const Logprob = z
  .number()
  .max(0)
  .nullable()
  .meta({ description: 'A natural logarithm; null for probability 0.' })
const TokenId = z.int().min(0)

const distribution = {
  probabilities: z
    .array(Probability)
    .or(
      z.strictObject({ dtype: z.literal('float32'), shape: z.tuple([z.int()]), data: z.string() }),
    )
    .optional()
    .meta({ description: 'One for each vocabulary entry; 0 for a token that was removed.' }),
  kept: z
    .strictObject({ token_ids: z.array(TokenId), probabilities: z.array(Probability) })
    .optional()
    .meta({ description: 'The tokens left, ids ascending.' }),
  top: z
    .strictObject({
      token_ids: z.array(TokenId),
      probabilities: z.array(Probability),
      logprobs: z.array(Logprob),
    })
    .optional()
    .meta({
      description: 'The most likely tokens, most likely first, lower ids first among equals.',
    }),
  scored: z
    .strictObject({
      token_ids: z.array(TokenId),
      logprobs: z.array(Logprob),
      ranks: z.array(z.int().min(1).nullable()),
    })
    .optional()
    .meta({
      description:
        'The tokens of `logprob_token_ids`; rank 1 is the most likely, null a removed token.',
    }),
  trace: z
    .array(
      z.strictObject({
        sampler: z.string(),
        kept_before: z.int(),
        kept_after: z.int(),
        mass_removed: Probability.meta({ description: 'Of the distribution before it.' }),
        entropy_before: z.number().min(0),
        entropy_after: z.number().min(0),
        threshold: z.number().nullable().meta({
          description:
            'The logit, after biases and before temperature, from which tokens were kept; null where it cut no ranking of logits.',
        }),
        dropped_token_ids: z
          .array(TokenId)
          .meta({ description: 'Of the watched tokens, those it dropped.' }),
      }),
    )
    .optional()
    .meta({ description: 'What each sampler did, in the order they ran. Entropies are in nats.' }),
  watched: z
    .array(z.strictObject({ token_id: TokenId, dropped_by: z.string().nullable() }))
    .optional()
    .meta({
      description:
        'Where each token of `watch_token_ids` was dropped: a sampler, `logits` if it came as −∞, or null if it is left.',
    }),
  kept_count: z.int().min(1).meta({ description: 'How many tokens are left.' }),
  entropy: z.number().min(0).meta({ description: 'Of the final distribution, in nats.' }),
}

const state = z
  .record(z.string(), z.number())
  .optional()
  .meta({ description: 'What samplers remember: send it with the next step.' })

const draw = {
  token_ids: z
    .array(TokenId)
    .meta({ description: 'The drawn tokens, in the order they were drawn.' }),
  logprobs: z.array(Logprob).meta({ description: 'Of each drawn token, under `logprobs_mode`.' }),
}

const address = {
  seed: z
    .string()
    .meta({ description: 'With stream and step: send these again to replay the draw.' }),
  stream: z.string(),
  step: z.int(),
}

const warnings = z
  .array(z.strictObject({ code: z.string(), message: z.string(), row: z.int().min(0) }))
  .meta({ description: 'What the caller should know about its parameters, row by row.' })

export const SampleResponse = z
  .strictObject({
    results: z.array(z.strictObject({ ...draw, ...distribution, ...address, state })),
    warnings,
  })
  .meta({ id: 'SampleResponse', description: 'One result for each row, in order.' })

export const ProbabilitiesResponse = z
  .strictObject({
    results: z.array(z.strictObject({ ...distribution, ...z.object(address).partial().shape })),
    warnings,
  })
  .meta({ id: 'ProbabilitiesResponse', description: 'One result for each row, in order.' })

type Warnings = z.output<typeof warnings>

/** How a row's answer is to be written. */
type Answer = Pick<ProbabilitiesRequest, 'return_probabilities' | 'encoding'>

/** A row to work on, and how to answer it. */
export interface DecodedRow extends RowRequest {
  answer: Answer
}

/** The answer to a request, as JSON text. Each row is written before the next is worked on. */
export function encode(results: Iterable<RowResult>, rows: readonly DecodedRow[]): string {
  const written: string[] = []
  const warned: Warnings = []
  for (const result of results) {
    const row = written.length
    written.push(JSON.stringify(encodeRow(result, rows[row]!.answer)))
    for (const warning of result.warnings) warned.push({ ...warning, row })
  }
  return `{"results":[${written.join(',')}],"warnings":${JSON.stringify(warned)}}`
}

function encodeRow({ row, drawn, address, state, ...result }: RowResult, answer: Answer) {
  const entropy = row.entropy()
  return {
    ...(drawn && { token_ids: drawn.token_ids, logprobs: drawn.logprobs }),
    ...encodeProbabilities(row, answer),
    ...(result.top && { top: result.top }),
    ...(result.scored && { scored: result.scored }),
    ...(result.trace && { trace: result.trace }),
    ...(result.watched && { watched: result.watched }),
    kept_count: row.size,
    entropy,
    ...(address && {
      seed: String(address.seed),
      stream: String(address.stream),
      step: Number(address.step),
    }),
    ...(state && { state }),
  }
}

function returnedOf({ return_probabilities }: Answer, vocabSize: number) {
  const small = vocabSize <= SMALL_VOCABULARY ? 'all' : 'none'
  return return_probabilities === 'auto' ? small : return_probabilities
}

/** How many numbers an answer's probabilities take at most, ids included. */
export function countProbabilities(answer: Answer, vocabSize: number): number {
  return { none: 0, all: vocabSize, kept: 2 * vocabSize }[returnedOf(answer, vocabSize)]
}

function encodeProbabilities(row: RowResult['row'], answer: Answer) {
  const { vocabSize } = row
  const { encoding } = answer
  const returned = returnedOf(answer, vocabSize)
  if (returned === 'none') return {}
  const values = probabilities(row)
  const { size } = row
  if (returned === 'kept') {
    const token_ids = Array.from(row.ids.subarray(0, size))
    return { kept: { token_ids, probabilities: Array.from(values) } }
  }
  const dense = encoding === 'json' ? new Float64Array(vocabSize) : new Float32Array(vocabSize)
  for (let i = 0; i < size; i++) dense[row.ids[i]!] = values[i]!
  if (dense instanceof Float32Array) return { probabilities: encodeTensor(dense, [vocabSize]) }
  return { probabilities: Array.from(dense) }
}
