import * as z from 'zod'
import { oncePerWork } from '../../algorithms/once.ts'
import { tokenSequences } from '../../fields/token-ids.ts'
import { log, pow } from '../../kernel/index.ts'
import { followed, forEach, joined, known, windowed } from '../history/history.ts'
import { lastMatchOf } from '../history/last-match.ts'
import { addToLogit } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

/** ln of the largest float32; llama.cpp lets no penalty exceed it. */
const LOG_MAX = 88.7228391
/** Powers of a base up to this never come near the largest float32. */
const HARMLESS_BASE = 1.000001

/** The largest number of breakers, because each of them may match at every place of the history. */
const MAX_BREAKERS = 1024

/** Steps for a token of the history, and for a token of the breakers. */
const TOKEN = 100
const BREAKER = 300

export const dry = defineSampler({
  name: 'dry',
  title: 'DRY (don’t repeat yourself)',
  meaning:
    'Lowers the logit of a token that would prolong a repetition of earlier text. The longer the repetition, the larger the penalty.',
  reference: {
    title: 'p-e-w: DRY, a modern repetition penalty (2024)',
    url: 'https://github.com/oobabooga/text-generation-webui/pull/5677',
  },
  stage: 'penalty',
  fields: {
    dry_multiplier: z
      .number()
      .min(0)
      .max(1000)
      .meta({
        description:
          'Strength of the penalty: a token that would prolong a repetition of `length` tokens loses dry_multiplier · dry_base^(length − dry_allowed_length) of its logit. From 0 to 1000; 0 changes nothing (off).',
        'x-typical': [0.4, 1.2],
      })
      .default(0),
    dry_base: z
      .number()
      .min(0)
      .max(1000)
      .meta({
        description:
          'Factor by which the penalty grows for each further token repeated, from 0 to 1000. Below 1 nothing is penalised (off).',
        'x-typical': [1.2, 2],
      })
      .default(1.75),
    dry_allowed_length: z
      .int()
      .min(0)
      .meta({
        description:
          'Shortest repetition that is penalised, in tokens. A length above that of the history penalises nothing (off).',
        'x-typical': [2, 5],
      })
      .default(2),
    dry_penalty_last_n: z
      .int()
      .min(-1)
      .meta({
        description:
          'Number of tokens, from the end of prompt and output together, in which the sampler looks for repetitions. −1 is all of them; 0 is none (off).',
        'x-typical': [256, 4096],
      })
      .default(-1),
    dry_sequence_breakers: tokenSequences(
      'Sequences of token ids across which no repetition extends, such as line breaks and quotes. A sequence of one token is itself never penalised. An id outside the vocabulary is an error. [] breaks nowhere (off).',
      MAX_BREAKERS,
    ).prefault([]),
  },
  example: {
    // 0 1 was followed by 2 before: half the odds.
    params: { dry_multiplier: Math.LN2 },
    history: { output: [0, 1, 2, 0, 1] },
    given: [0.25, 0.25, 0.5],
    gives: [1 / 3, 1 / 3, 1 / 3],
  },

  active: ({ dry_multiplier, dry_base, dry_penalty_last_n }) =>
    dry_multiplier > 0 && dry_base >= 1 && dry_penalty_last_n !== 0,
  cost: ({ dry_penalty_last_n, dry_sequence_breakers: breakers }, facts) => {
    const { prompt, output } = windowed(facts, dry_penalty_last_n)
    const tokens = prompt.length + output.length
    const ofBreakers = breakers.reduce((sum, { length }) => sum + length, 0)
    return TOKEN * tokens + BREAKER * ofBreakers
  },
  *apply(row, params, _rules, history) {
    const { dry_multiplier, dry_base, dry_allowed_length, dry_sequence_breakers: breakers } = params
    const tokens = joined(windowed(history, params.dry_penalty_last_n))
    if (tokens.length <= dry_allowed_length) return
    const findBreaker = yield* lastBreakerOf(breakers)
    const breaker = yield* findBreaker(tokens)
    const limit = breaker ? tokens.length - breaker.start - breaker.length : tokens.length
    if (limit < dry_allowed_length) return

    const repeated = yield* followed(tokens, dry_allowed_length, limit)
    const unpenalised = new Set(
      breakers.filter(({ length }) => length === 1).map((breaker) => breaker[0]!),
    )
    const mostExponent =
      dry_base > HARMLESS_BASE ? Math.floor(LOG_MAX / log(dry_base)) : Number.POSITIVE_INFINITY
    yield* forEach(repeated, (id, number) => {
      if (unpenalised.has(id)) return
      const exponent = Math.min(number - 1 - dry_allowed_length, mostExponent)
      addToLogit(row, known(row, id), -dry_multiplier * pow(dry_base, exponent))
    })
  },
})

const lastBreakerOf = oncePerWork(lastMatchOf)
